//! The code that takes arguments out of a delivery.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Type};

use crate::names::{Private, ends};

/// `let` for each argument, out of `__cx`; the first that can't be had ends the attempt.
pub(crate) fn extract(types: &[Type], names: &[Ident], private: &Private) -> TokenStream {
    let statements = types.iter().zip(names).map(|(ty, name)| {
        // At the type, so that one that is no extractor is reported there.
        let (at, (first, last)) = (private.at(ty), ends(ty));
        let mut argument = quote_spanned!(first=> #at::argument::<#ty);
        argument.extend(quote_spanned!(last=> >(__cx).await));
        quote! {
            let #name = match #argument {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__failure) => return #private::Outcome::Failed(__failure),
            };
        }
    });
    quote!(#(#statements)*)
}
