//! The code of middleware: the type twin, its registration, its `Middleware`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{attribute::Attribute, signature::MiddlewareFn};
use crate::{
    extract::extract,
    names::{self, Private, spelled},
    twin::with_twin,
};

/// Everything beside the user's function.
pub(super) fn generate(attribute: &Attribute, function: &MiddlewareFn, private: &Private) -> TokenStream {
    let items = [registration(attribute, function, private), contracts(function, private), handle(function, private)];
    let submit = quote!(#private::inventory::submit! { #private::MiddlewareRef(&__SWIT_REGISTRATION) });
    with_twin(&function.function, function.ident(), &items, &submit)
}

fn registration(attribute: &Attribute, function: &MiddlewareFn, private: &Private) -> TokenStream {
    let (ident, extractors) = (function.ident(), &function.extractors);
    let Attribute { name, order, global, only, except, topics: _ } = attribute;
    let location = names::location(private);
    quote! {
        #[allow(unused_imports)]
        use #private::NoExtractor as _;
        static __SWIT_REGISTRATION: #private::MiddlewareRegistration = #private::MiddlewareRegistration {
            name: #name,
            location: #location,
            order: #order,
            global: #global,
            only: &[#(#only),*],
            except: &[#(#except),*],
            requires: |_out| { #(#private::Probe::<#extractors>::REQUIRES(_out);)* },
            make: || ::std::sync::Arc::new(#ident {}),
        };
        impl #private::MiddlewareItem for #ident {
            const REGISTRATION: &'static #private::MiddlewareRegistration = &__SWIT_REGISTRATION;
        }
    }
}

fn contracts(function: &MiddlewareFn, private: &Private) -> TokenStream {
    let name = function.function.name();
    function
        .extractors
        .iter()
        .map(|ty| {
            let (text, private) = (spelled(ty), private.at(ty));
            quote_spanned! {ty.span()=>
                const _: () = #private::contract::is_payload_agnostic(
                    #name,
                    #text,
                    #private::Probe::<#ty>::READS_PAYLOAD,
                    #private::Probe::<#ty>::SETTLES,
                    #private::Probe::<#ty>::TRANSACTS,
                );
            }
        })
        .collect()
}

fn handle(function: &MiddlewareFn, private: &Private) -> TokenStream {
    let ident = function.ident();
    let names: Vec<Ident> = (0..function.extractors.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = extract(&function.extractors, &names, private);
    let (returns, private_at) = (&function.returns, private.at(&function.returns));
    let outcome = quote_spanned!(returns.span()=> <#returns as #private_at::MiddlewareReturn>::outcome(__returned));
    let call = quote_spanned!(ident.span()=> #ident(__cx, __next #(, #names)*).await);
    // At the function's name, so that a future that is not `Send` is reported there.
    let body = quote_spanned! {ident.span()=>
        ::std::boxed::Box::pin(async move {
            #extract
            let __returned: #returns = #call;
            #outcome
        })
    };
    quote! {
        impl #private::Middleware for #ident {
            fn handle<'a>(
                &'a self,
                __cx: &'a mut #private::Context,
                __next: #private::Next<'a>,
            ) -> #private::BoxFuture<'a, #private::Outcome> {
                #body
            }
        }
    }
}
