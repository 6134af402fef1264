//! The code of a provider: its registration. It has no twin: a module of its name would clash.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, spanned::Spanned};

use super::{attribute::Attribute, signature::ProviderFn};
use crate::names;

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &ProviderFn, private: &TokenStream) -> TokenStream {
    let cfgs = names::cfgs(&function.function.attributes);
    let name = attribute.name.as_ref().map_or_else(|| function.function.name(), syn::LitStr::value);
    let location = names::location(private);
    let arguments = &function.arguments;
    let value = value(function, private);
    let build = build(function, private);
    let (close, close_fn) = match &attribute.close {
        None => (quote!(::core::option::Option::None), TokenStream::new()),
        Some(path) => (quote!(::core::option::Option::Some(__swit_close)), close(path, private)),
    };
    quote! {
        #cfgs
        const _: () = {
            #value
            #build
            #close_fn
            static __SWIT_REGISTRATION: #private::ProviderRegistration = #private::ProviderRegistration {
                name: #name,
                location: #location,
                output: ::core::any::TypeId::of::<__SwitValue>,
                output_name: ::core::any::type_name::<__SwitValue>,
                requires: |_out| { #(<#arguments as #private::FromScope>::requires(_out);)* },
                build: __swit_build,
                close: #close,
            };
            #private::inventory::submit! { #private::ProviderRef(&__SWIT_REGISTRATION) }
        };
    }
}

fn value(function: &ProviderFn, private: &TokenStream) -> TokenStream {
    let returns = &function.returns;
    quote_spanned!(returns.span()=> type __SwitValue = <#returns as #private::Provided>::Value;)
}

fn build(function: &ProviderFn, private: &TokenStream) -> TokenStream {
    let ident = function.ident();
    let names: Vec<Ident> = (0..function.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = function
        .arguments
        .iter()
        .zip(&names)
        .map(|(ty, name)| quote_spanned!(ty.span()=> let #name = #private::provider_argument::<#ty>(__scope)?;));
    let call = quote_spanned!(ident.span()=> #ident(#(#names),*).await);
    quote! {
        fn __swit_build(
            __scope: &#private::Scope,
        ) -> #private::BoxFuture<'_, ::core::result::Result<#private::Shared, #private::BoxError>> {
            ::std::boxed::Box::pin(async move {
                let _ = __scope;
                #(#extract)*
                #private::Provided::share(#call)
            })
        }
    }
}

fn close(path: &Path, private: &TokenStream) -> TokenStream {
    let call = quote_spanned!(path.span()=> #private::Closed::closed(#path(&*__value).await));
    quote! {
        fn __swit_close(
            __shared: #private::Shared,
        ) -> #private::BoxFuture<'static, ::core::result::Result<(), #private::BoxError>> {
            ::std::boxed::Box::pin(async move {
                let __value = #private::provider_value::<__SwitValue>(__shared)?;
                #call
            })
        }
    }
}
