//! The const assertions: what only the compiler can check, each at the span of the key that it is about.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use swit_grammar::subscriber::AckMode;
use syn::spanned::Spanned;

use super::{attribute::Raw, validate::Subscriber};
use crate::names::{Private, ends, spelled};

/// `const _: () = …;` for each contract that applies.
pub(super) fn contracts(subscriber: &Subscriber, private: &Private) -> TokenStream {
    let keys = &subscriber.keys;
    let function = subscriber.handler.function.name();
    let ident = subscriber.handler.ident();
    let assert = |at: &dyn ToTokens, name: &str, arguments: TokenStream| {
        let (span, private) = (at.span(), private.at(&at));
        let name = syn::Ident::new(name, span);
        quote_spanned!(span=> const _: () = #private::contract::#name(#function, #arguments);)
    };
    let mut all = TokenStream::new();
    match (&keys.topics, &keys.queue) {
        (Some(topics), _) => {
            let several = topics.entries.len() > 1;
            all.extend(assert(&topics.tokens, "topics_cover_events", quote!(__SWIT_TOPICS, __SWIT_ARGUMENTS)));
            for topic in topics.entries.iter().filter(|_| several) {
                all.extend(assert(topic, "topic_is_an_events", quote!(#topic, __SWIT_ARGUMENTS)));
            }
        }
        (None, None) => all.extend(assert(ident, "has_topic", quote!(__SWIT_ARGUMENTS))),
        (None, Some(_)) => {}
    }
    if let Some(event) = &keys.event {
        all.extend(assert(event, "filter_is_an_events", quote!(#event, __SWIT_ARGUMENTS)));
    }
    if let Some(codec) = &keys.codec {
        let (span, private) = (codec.span, private.located(codec.span));
        let path = codec.format.path(&private);
        all.extend(quote_spanned! {span=>
            const _: () = #private::contract::codec_is_accepted(#function, #path, __SWIT_ARGUMENTS);
        });
    }
    all.extend(of_keys(keys, &function, private));
    all.extend(match &keys.ack {
        Some(at) if at.value == AckMode::Manual => assert(&at.tokens, "somebody_settles", quote!(__SWIT_ARGUMENTS)),
        Some(at) => assert(&at.tokens, "nobody_settles", quote!(__SWIT_ARGUMENTS)),
        // Beside a batch it is no argument at all.
        None if subscriber.together.is_some() => TokenStream::new(),
        None => assert(ident, "nobody_settles", quote!(__SWIT_ARGUMENTS)),
    });
    all.extend(match &keys.inbox {
        Some(key) => assert(key, "transacts_once", quote!(__SWIT_ARGUMENTS)),
        None if subscriber.together.is_some() => TokenStream::new(),
        None => assert(ident, "transacts_nowhere", quote!(__SWIT_ARGUMENTS)),
    });
    if keys.ack.as_ref().is_some_and(|at| at.value == AckMode::Manual) {
        let returns = &subscriber.handler.returns;
        // From the type's first token to its last, so that all of it is underlined.
        let (text, at, (first, last)) = (spelled(returns), private.at(returns), ends(returns));
        let publishes = quote!(#at::Probe::<#returns>::EMITS_ANY);
        all.extend(quote_spanned!(first=> const _: () = #at::contract::returns_no_events));
        all.extend(quote_spanned!(last=> (#function, #text, #publishes);));
    }
    all
}

/// What keys must be whatever the function is.
pub(crate) fn of_keys(keys: &Raw, function: &str, private: &Private) -> TokenStream {
    let mut all = TokenStream::new();
    if let Some(codec) = &keys.codec {
        let (span, private) = (codec.span, private.located(codec.span));
        let path = codec.format.path(&private);
        all.extend(quote_spanned! {span=>
            const _: () = #private::contract::codec_is_compiled_in(#function, #path);
        });
    }
    for path in &keys.middleware {
        let (text, at) = (spelled(path), private.at(path));
        let registration = quote!(<#path as #private::MiddlewareItem>::REGISTRATION);
        all.extend(quote_spanned! {path.span()=>
            const _: () = #at::contract::middleware_is_listed(#function, #text, #registration);
        });
    }
    all
}
