//! The `SubscriberSpec` of what was written; what was not is the default's.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use swit_grammar::subscriber::AckMode;
use syn::spanned::Spanned;

use super::{
    attribute::{DeadLetter, OrderBy, Raw, Sharing},
    restraints, validation,
};
use crate::{constants, names::Private};

/// A constant expression.
pub(crate) fn spec(keys: &Raw, private: &Private) -> TokenStream {
    let some = |value: TokenStream| quote!(::core::option::Option::Some(#value));
    let mut fields = Vec::new();
    let mut field = |name: &str, value: Option<TokenStream>| {
        if let Some(value) = value {
            let name = syn::Ident::new(name, proc_macro2::Span::mixed_site());
            fields.push(quote!(#name: #value,));
        }
    };
    field("topics", keys.topics.as_ref().map(|_| quote!(__SWIT_TOPICS)));
    field("event", keys.event.as_ref().map(|text| some(quote!(#text))));
    field("queue", keys.queue.as_ref().map(|text| some(quote!(#text))));
    field(
        "group",
        keys.group.as_ref().map(|group| match group {
            Sharing::Named(name) => quote!(#private::Group::Named(#name)),
            Sharing::PerInstance => quote!(#private::Group::PerInstance),
        }),
    );
    field("concurrency", keys.concurrency.as_ref().map(|at| number(at.value)));
    field("prefetch", keys.prefetch.as_ref().map(|at| some(number(at.value))));
    field(
        "order",
        keys.order.as_ref().map(|order| match order {
            OrderBy::Subscription => quote!(#private::Order::Subscription),
            OrderBy::Key => quote!(#private::Order::Key),
            OrderBy::Header(name) => quote!(#private::Order::Header(#name)),
        }),
    );
    field(
        "ack",
        keys.ack.as_ref().map(|at| match at.value {
            AckMode::Auto => quote!(#private::AckMode::Auto),
            AckMode::Manual => quote!(#private::AckMode::Manual),
            AckMode::None => quote!(#private::AckMode::None),
        }),
    );
    field("timeout", keys.timeout.as_ref().map(|at| constants::duration(at.value)));
    field("retries", keys.retries.as_ref().map(|at| some(number(at.value))));
    field("backoff", keys.backoff.as_ref().map(|at| some(constants::backoff(&at.value, private))));
    field(
        "dead_letter",
        keys.dead_letter.as_ref().map(|at| match &at.value {
            DeadLetter::Queue(name) => quote!(#private::DeadLetter::Queue(#name)),
            DeadLetter::Discard => quote!(#private::DeadLetter::Discard),
        }),
    );
    field("enabled", keys.enabled.map(|enabled| quote!(#enabled)));
    field("codec", keys.codec.as_ref().map(|codec| some(codec.format.path(private))));
    field("transport", keys.transport.as_ref().map(|text| quote!(#text)));
    field(
        "classifier",
        keys.classifier.as_ref().map(|path| {
            let at = private.at(path);
            some(quote_spanned!(path.span()=> #at::MakeClassifier(|| #at::rules_of(#path))))
        }),
    );
    let breaker = keys.circuit_breaker.as_ref();
    field("circuit_breaker", breaker.map(|breaker| some(restraints::breaker_constant(breaker, private))));
    field("rate_limit", keys.rate_limit.map(|limit| some(restraints::rate_limit_constant(limit, private))));
    field("batch", keys.batch.as_ref().map(|at| some(restraints::batch_constant(at.value, private))));
    field("inbox", keys.inbox.as_ref().map(|_| quote!(true)));
    field("schema", keys.validate.as_ref().map(|validate| validation::field(Some(validate))));
    quote!(#private::SubscriberSpec { #(#fields)* ..#private::SubscriberSpec::DEFAULT })
}

fn number(number: u32) -> TokenStream {
    quote!(#number)
}
