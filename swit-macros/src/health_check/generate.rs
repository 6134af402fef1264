//! The code of a health check: the type twin and its registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::attribute::Attribute;
use crate::{
    constants,
    names::{self, Private},
    scoped::Scoped,
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &Scoped, private: &Private) -> TokenStream {
    let (ident, arguments) = (function.ident(), &function.arguments);
    let Attribute { name, timeout, critical } = attribute;
    let (location, timeout) = (names::location(private), constants::duration(*timeout));
    let registration = quote! {
        static __SWIT_REGISTRATION: #private::HealthCheckRegistration = #private::HealthCheckRegistration {
            name: #name,
            location: #location,
            timeout: #timeout,
            critical: #critical,
            requires: |_out| { #(<#arguments as #private::FromScope>::requires(_out);)* },
            check: __swit_check,
        };
        impl #private::HealthCheckItem for #ident {
            const REGISTRATION: &'static #private::HealthCheckRegistration = &__SWIT_REGISTRATION;
        }
    };
    let submit = quote!(#private::inventory::submit! { #private::HealthCheckRef(&__SWIT_REGISTRATION) });
    with_twin(&function.function, ident, &[check(function, private), registration], &submit)
}

fn check(function: &Scoped, private: &Private) -> TokenStream {
    let returns = &function.returns;
    let private_at = private.at(returns);
    let checked = quote_spanned!(returns.span()=> <#returns as #private_at::Checked>::checked(__returned));
    function.calling("__swit_check", &quote!(()), &checked, private)
}
