//! The type twin of a function: same name, in the type namespace, so that paths can name it and it can carry traits.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Ident;

use crate::{function::Function, names};

/// The twin, and beside it whatever is implemented for it and submitted.
pub(crate) fn with_twin(
    function: &Function,
    ident: &Ident,
    items: &[TokenStream],
    submit: &TokenStream,
) -> TokenStream {
    let visibility = &function.visibility;
    let cfgs = names::cfgs(&function.attributes);
    quote! {
        #cfgs
        #[doc(hidden)]
        #[allow(non_camel_case_types, unreachable_pub)]
        #[derive(::core::fmt::Debug)]
        #visibility struct #ident {}
        #cfgs
        #[allow(clippy::type_complexity, reason = "the types are the function's own")]
        const _: () = {
            #(#items)*
            #submit
        };
    }
}
