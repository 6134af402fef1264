//! The type twin of a function: same name, in the type namespace, so that paths can name it and it can carry traits.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Ident, Visibility};

use crate::{function::Function, names};

/// The twin, and beside it whatever is implemented for it and submitted.
pub(crate) fn with_twin(
    function: &Function,
    ident: &Ident,
    items: &[TokenStream],
    submit: &TokenStream,
) -> TokenStream {
    let hidden = quote!(#[doc(hidden)]);
    named(&function.attributes, &hidden, &function.visibility, ident, items, submit)
}

/// A type that stands by itself, with the user's own attributes, and beside it as [`with_twin`].
pub(crate) fn alone(
    attributes: &[Attribute],
    visibility: &Visibility,
    ident: &Ident,
    items: &[TokenStream],
    submit: &TokenStream,
) -> TokenStream {
    let own = attributes.iter().filter(|attribute| !attribute.path().is_ident("cfg"));
    named(attributes, &quote!(#(#own)* #[allow(missing_docs)]), visibility, ident, items, submit)
}

fn named(
    attributes: &[Attribute],
    said: &TokenStream,
    visibility: &Visibility,
    ident: &Ident,
    items: &[TokenStream],
    submit: &TokenStream,
) -> TokenStream {
    let cfgs = names::cfgs(attributes);
    let is_deprecated = attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    // Its users are told, not itself.
    let deprecated = is_deprecated.then(|| quote!(#[allow(deprecated)]));
    quote! {
        #cfgs
        #said
        #[allow(non_camel_case_types, unreachable_pub)]
        #deprecated
        #[derive(::core::fmt::Debug)]
        #visibility struct #ident {}
        #cfgs
        #[allow(clippy::type_complexity, reason = "the types are the function's own")]
        #deprecated
        const _: () = {
            #(#items)*
            #submit
        };
    }
}
