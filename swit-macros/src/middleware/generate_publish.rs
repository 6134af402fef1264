//! The code of publish-side middleware: the type twin, its registration, its `PublishMiddleware`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{attribute::Attribute, signature::MiddlewareFn};
use crate::{
    names::{self, Private, spelled},
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &MiddlewareFn, private: &Private) -> TokenStream {
    let items = [registration(attribute, function, private), contracts(function, private), publish(function, private)];
    let submit = quote!(#private::inventory::submit! { #private::PublishMiddlewareRef(&__SWIT_REGISTRATION) });
    with_twin(&function.function, function.ident(), &items, &submit)
}

fn registration(attribute: &Attribute, function: &MiddlewareFn, private: &Private) -> TokenStream {
    let (ident, extractors) = (function.ident(), &function.extractors);
    let Attribute { name, order, global: _, only, except, topics } = attribute;
    let location = names::location(private);
    quote! {
        #[allow(unused_imports)]
        use #private::NoScope as _;
        static __SWIT_REGISTRATION: #private::PublishMiddlewareRegistration = #private::PublishMiddlewareRegistration {
            name: #name,
            location: #location,
            order: #order,
            only: &[#(#only),*],
            except: &[#(#except),*],
            topics: &[#(#topics),*],
            requires: |_out| { #(#private::Probe::<#extractors>::SCOPE_REQUIRES(_out);)* },
            make: || ::std::sync::Arc::new(#ident {}),
        };
        impl #private::PublishMiddlewareItem for #ident {
            const REGISTRATION: &'static #private::PublishMiddlewareRegistration = &__SWIT_REGISTRATION;
        }
    }
}

fn contracts(function: &MiddlewareFn, private: &Private) -> TokenStream {
    let name = function.function.name();
    let contract = |ty: &syn::Type| {
        let (text, private) = (spelled(ty), private.at(ty));
        quote_spanned! {ty.span()=>
            const _: () = #private::contract::publishes_nothing(#name, #text, #private::Probe::<#ty>::SCOPE_PUBLISHES);
        }
    };
    function.extractors.iter().map(contract).collect()
}

fn publish(function: &MiddlewareFn, private: &Private) -> TokenStream {
    let ident = function.ident();
    let names: Vec<Ident> = (0..function.extractors.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = function.extractors.iter().zip(&names).map(|(ty, name)| {
        // At the type, so that one that needs a delivery is reported there.
        let at = private.at(ty);
        let argument = quote_spanned!(ty.span()=> <#ty as #at::FromScope>::from_scope(__next.scope()));
        quote!(let #name = #argument.map_err(#private::publish_failure)?;)
    });
    let (returns, private_at) = (&function.returns, private.at(&function.returns));
    let answer =
        quote_spanned!(returns.span()=> <#returns as #private_at::PublishMiddlewareReturn>::answer(__returned));
    let call = quote_spanned!(ident.span()=> #ident(__message, __next #(, #names)*).await);
    // At the function's name, so that a future that is not `Send` is reported there.
    let body = quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            #(#extract)*
            let __returned: #returns = #call;
            #answer
        })
    };
    quote! {
        impl #private::PublishMiddleware for #ident {
            fn publish<'a>(
                &'a self,
                __message: &'a mut #private::Message,
                __next: #private::PublishNext<'a>,
            ) -> #private::BoxFuture<'a, ::core::result::Result<#private::MessageId, #private::PublishError>> {
                #body
            }
        }
    }
}
