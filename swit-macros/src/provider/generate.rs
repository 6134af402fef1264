//! The code of a provider: its registration. It has no twin: a module of its name would clash.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

use super::{attribute::Attribute, health::Health};
use crate::{
    constants,
    names::{self, Private},
    scoped::Scoped,
};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &Scoped, private: &Private) -> TokenStream {
    let cfgs = names::cfgs(&function.function.attributes);
    let name = attribute.name.as_ref().map_or_else(|| function.function.name(), syn::LitStr::value);
    let location = names::location(private);
    let arguments = &function.arguments;
    let returns = &function.returns;
    let build = build(function, private);
    let (close, close_fn) = match &attribute.close {
        None => (quote!(::core::option::Option::None), TokenStream::new()),
        Some(path) => (
            quote!(::core::option::Option::Some(__swit_close)),
            of_value("__swit_close", path, ["Closed", "closed"], function, private),
        ),
    };
    let (health, health_fn) = match &attribute.health {
        None => (quote!(::core::option::Option::None), TokenStream::new()),
        Some(Health { check, timeout, critical }) => {
            let timeout = constants::duration(*timeout);
            let health = quote!(#private::ProviderHealth {
                check: __swit_health,
                timeout: #timeout,
                critical: #critical,
            });
            (
                quote!(::core::option::Option::Some(#health)),
                of_value("__swit_health", check, ["Checked", "checked"], function, private),
            )
        }
    };
    quote! {
        #cfgs
        #[allow(clippy::type_complexity, reason = "the types are the function's own")]
        const _: () = {
            #build
            #close_fn
            #health_fn
            static __SWIT_REGISTRATION: #private::ProviderRegistration = #private::ProviderRegistration {
                name: #name,
                location: #location,
                output: <#returns as #private::Provided>::type_id,
                output_name: <#returns as #private::Provided>::type_name,
                requires: |_out| { #(<#arguments as #private::FromScope>::requires(_out);)* },
                build: __swit_build,
                close: #close,
                health: #health,
            };
            #private::inventory::submit! { #private::ProviderRef(&__SWIT_REGISTRATION) }
        };
    }
}

fn build(function: &Scoped, private: &Private) -> TokenStream {
    let returns = &function.returns;
    let shared = quote!(<#returns as #private::Provided>::share(__returned));
    function.calling("__swit_build", &quote!(#private::Shared), &shared, private)
}

/// `fn called(…)`, which calls what an attribute's key names with what the provider built, and makes a `Result` of its answer.
fn of_value(
    called: &str,
    path: &Path,
    [answer, result]: [&str; 2],
    function: &Scoped,
    private: &Private,
) -> TokenStream {
    let (returns, called, at) = (&function.returns, format_ident!("{called}"), private.at(path));
    let (answer, result) = (Ident::new(answer, path.span()), Ident::new(result, path.span()));
    let call = quote_spanned!(path.span()=> #at::#answer::#result(#path(&*__value).await));
    quote! {
        fn #called(
            __shared: #private::Shared,
        ) -> #private::BoxFuture<'static, ::core::result::Result<(), #private::BoxError>> {
            ::std::boxed::Box::pin(async move {
                let __value =
                    #private::provider_value::<<#returns as #private::Provided>::Value>(__shared)?;
                #call
            })
        }
    }
}
