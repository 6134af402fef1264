//! The code of a health check: the type twin and its registration.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{attribute::Attribute, signature::CheckFn};
use crate::{
    constants,
    names::{self, Private},
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &CheckFn, private: &Private) -> TokenStream {
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

fn check(function: &CheckFn, private: &Private) -> TokenStream {
    let (ident, returns) = (function.ident(), &function.returns);
    let names: Vec<Ident> = (0..function.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = function.arguments.iter().zip(&names).map(|(ty, name)| {
        quote! {
            let #name = <#ty as #private::FromScope>::from_scope(__scope).map_err(#private::provider_failure)?;
        }
    });
    let private_at = private.at(returns);
    let checked = quote_spanned!(returns.span()=> <#returns as #private_at::Checked>::checked(__returned));
    let call = quote_spanned!(ident.span()=> #ident(#(#names),*).await);
    // At the function's name, so that a future that is not `Send` is reported there.
    let body = quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            let _ = __scope;
            #(#extract)*
            let __returned: #returns = #call;
            #checked
        })
    };
    quote! {
        fn __swit_check(
            __scope: &#private::Scope,
        ) -> #private::BoxFuture<'_, ::core::result::Result<(), #private::BoxError>> {
            #body
        }
    }
}
