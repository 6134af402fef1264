//! The code of a provider: its registration. It has no twin: a module of its name would clash.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

use super::{attribute::Attribute, signature::ProviderFn};
use crate::names::{self, Private};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &ProviderFn, private: &Private) -> TokenStream {
    let cfgs = names::cfgs(&function.function.attributes);
    let name = attribute.name.as_ref().map_or_else(|| function.function.name(), syn::LitStr::value);
    let location = names::location(private);
    let arguments = &function.arguments;
    let returns = &function.returns;
    let build = build(function, private);
    let (close, close_fn) = match &attribute.close {
        None => (quote!(::core::option::Option::None), TokenStream::new()),
        Some(path) => (quote!(::core::option::Option::Some(__swit_close)), close(path, function, private)),
    };
    let (health, health_fn) = match &attribute.health {
        None => (quote!(::core::option::Option::None), TokenStream::new()),
        Some(path) => (quote!(::core::option::Option::Some(__swit_health)), health(path, function, private)),
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

fn build(function: &ProviderFn, private: &Private) -> TokenStream {
    let (ident, returns) = (function.ident(), &function.returns);
    let names: Vec<Ident> = (0..function.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = function.arguments.iter().zip(&names).map(|(ty, name)| {
        quote! {
            let #name = <#ty as #private::FromScope>::from_scope(__scope).map_err(#private::provider_failure)?;
        }
    });
    let call = quote_spanned!(ident.span()=> #ident(#(#names),*).await);
    // At the function's name, so that a future that is not `Send` is reported there.
    let body = quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            let _ = __scope;
            #(#extract)*
            let __returned: #returns = #call;
            <#returns as #private::Provided>::share(__returned)
        })
    };
    quote! {
        fn __swit_build(
            __scope: &#private::Scope,
        ) -> #private::BoxFuture<'_, ::core::result::Result<#private::Shared, #private::BoxError>> {
            #body
        }
    }
}

fn close(path: &Path, function: &ProviderFn, private: &Private) -> TokenStream {
    let (returns, closed) = (&function.returns, private.at(path));
    let call = quote_spanned!(path.span()=> #closed::Closed::closed(#path(&*__value).await));
    quote! {
        fn __swit_close(
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

fn health(path: &Path, function: &ProviderFn, private: &Private) -> TokenStream {
    let (returns, checked) = (&function.returns, private.at(path));
    let call = quote_spanned!(path.span()=> #checked::Checked::checked(#path(&*__value).await));
    quote! {
        fn __swit_health(
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
