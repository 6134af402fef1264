//! The code of a subscriber: the type twin, its registration, its handler.
//!
//! ```ignore
//! pub struct confirm_order {}                                   // the twin
//! const _: () = {
//!     static __SWIT_REGISTRATION: SubscriberRegistration = …;   // what the attribute says
//!     const _: () = topics_cover_events(…);                     // the contracts
//!     impl Handler for confirm_order { … }                      // extract, call, split, classify
//!     inventory::submit! { SubscriberRef(&__SWIT_REGISTRATION) }
//! };
//! ```

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, spanned::Spanned};

use super::{contracts::contracts, spec::spec, validate::Subscriber};
use crate::{extract::extract, names, names::spelled};

/// Everything beside the user's function.
pub(super) fn generate(subscriber: &Subscriber, private: &TokenStream) -> TokenStream {
    let handler = &subscriber.handler;
    let ident = handler.ident();
    let visibility = &handler.function.visibility;
    let cfgs = names::cfgs(&handler.function.attributes);
    let items = [
        facts(subscriber, private),
        registration(subscriber, private),
        contracts(subscriber, private),
        implementation(subscriber, private),
    ];
    quote! {
        #cfgs
        #[doc(hidden)]
        #[allow(non_camel_case_types, unreachable_pub)]
        #[derive(::core::fmt::Debug)]
        #visibility struct #ident {}
        #cfgs
        const _: () = {
            #(#items)*
            #private::inventory::submit! { #private::SubscriberRef(&__SWIT_REGISTRATION) }
        };
    }
}

/// What contracts and registration both name.
fn facts(subscriber: &Subscriber, private: &TokenStream) -> TokenStream {
    let arguments = subscriber.handler.arguments.iter().map(|ty| {
        let text = spelled(ty);
        quote!(#private::contract::Argument::of::<#ty>(#text))
    });
    let topics = subscriber.keys.topics.as_ref().map(|topics| {
        let entries = &topics.entries;
        quote!(const __SWIT_TOPICS: &[&::core::primitive::str] = &[#(#entries),*];)
    });
    quote! {
        #topics
        const __SWIT_ARGUMENTS: &[#private::contract::Argument] = &[#(#arguments),*];
    }
}

fn registration(subscriber: &Subscriber, private: &TokenStream) -> TokenStream {
    let handler = &subscriber.handler;
    let (ident, arguments, returns) = (handler.ident(), &handler.arguments, &handler.returns);
    let (name, function) = (&subscriber.name, handler.function.name());
    let (location, spec) = (names::location(private), spec(&subscriber.keys, private));
    let middleware = &subscriber.keys.middleware;
    quote! {
        static __SWIT_REGISTRATION: #private::SubscriberRegistration = #private::SubscriberRegistration {
            name: #name,
            function: #function,
            location: #location,
            spec: #spec,
            middleware: &[#(<#middleware as #private::MiddlewareItem>::REGISTRATION),*],
            events: |_out| { #(_out.extend_from_slice(<#arguments as #private::FromDelivery>::EVENTS);)* },
            emits: #private::emits_of::<#returns>,
            requires: |_out| { #(<#arguments as #private::FromDelivery>::requires(_out);)* },
            start: #private::start::<#ident>,
        };
    }
}

fn implementation(subscriber: &Subscriber, private: &TokenStream) -> TokenStream {
    let handler = &subscriber.handler;
    let ident = handler.ident();
    let names: Vec<Ident> = (0..handler.arguments.len()).map(|index| format_ident!("__argument_{index}")).collect();
    let extract = extract(&handler.arguments, &names, private);
    let call = if subscriber.keys.blocking {
        quote_spanned!(ident.span()=> #private::blocking::run(move || #ident(#(#names),*)).await)
    } else {
        quote_spanned!(ident.span()=> #ident(#(#names),*).await)
    };
    let failed = failed(subscriber, private);
    quote! {
        impl #private::Handler for #ident {
            const REGISTRATION: &'static #private::SubscriberRegistration = &__SWIT_REGISTRATION;

            async fn call(__cx: &mut #private::Context) -> #private::Outcome {
                #extract
                let __returned = #call;
                match #private::Return::split(__returned) {
                    ::core::result::Result::Ok(__value) => #private::emitted(__value, __cx),
                    ::core::result::Result::Err(__error) => { #failed }
                }
            }
        }
    }
}

fn failed(subscriber: &Subscriber, private: &TokenStream) -> TokenStream {
    let span = subscriber.handler.returns.span();
    let traits = quote! {
        #[allow(unused_imports)]
        use #private::via::{ViaBox as _, ViaClassify as _, ViaDyn as _, ViaNone as _};
    };
    let Some(path) = &subscriber.keys.on_error else {
        let failure = quote_spanned!(span=> (&&&&#private::Tag::of(&__error)).failure(__error));
        return quote! {
            #traits
            #private::Outcome::Failed(#failure)
        };
    };
    let ask = quote_spanned!(path.span()=> let __action: #private::ErrorAction = #path(&*__cx, &__error).await;);
    quote_spanned! {span=>
        #traits
        let __tag = #private::Tag::of(&__error);
        __cx.set_pending((&&&&__tag).preview(&__error));
        #ask
        __cx.take_pending();
        #private::Outcome::Failed((&&&&__tag).failure(__error).with_action(__action))
    }
}
