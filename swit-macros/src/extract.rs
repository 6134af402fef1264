//! The code that takes arguments out of a delivery.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Ident, Type, spanned::Spanned};

/// `let` for each argument, out of `__cx`; the first that can't be had ends the attempt.
pub(crate) fn extract(types: &[Type], names: &[Ident], private: &TokenStream) -> TokenStream {
    let statements = types.iter().zip(names).map(|(ty, name)| {
        quote_spanned! {ty.span()=>
            let #name = match <#ty as #private::FromDelivery>::from_delivery(__cx).await {
                ::core::result::Result::Ok(__value) => __value,
                ::core::result::Result::Err(__rejection) => {
                    return #private::Outcome::Failed(::core::convert::Into::into(__rejection));
                }
            };
        }
    });
    quote!(#(#statements)*)
}
