//! The const assertions: what only the compiler can check, each at the span of the key that it is about.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::{
    attribute::{Partition, Publisher},
    spec,
};
use crate::names::{Private, spelled};

/// `const _: () = …;` for each contract that applies.
pub(super) fn contracts(publisher: &Publisher, private: &Private) -> TokenStream {
    let (name, event) = (&publisher.name, &publisher.event);
    let text = spelled(event);
    let mut all = TokenStream::new();
    if let Some(topic) = &publisher.keys.topic {
        let private = private.at(topic);
        all.extend(quote_spanned! {topic.span()=>
            const _: () = #private::contract::topic_is_the_events(
                #name, #text, #topic, #private::Probe::<#event>::EVENTS,
            );
        });
    }
    if let Some(name_of) = &publisher.keys.compression {
        let private = private.at(name_of);
        let compression = spec::compression(name_of, &private);
        all.extend(quote_spanned! {name_of.span()=>
            const _: () = #private::contract::compression_is_compiled_in(#name, #compression);
        });
    }
    match &publisher.keys.partition {
        None => {}
        Some(Partition::Key(tokens)) => {
            let private = private.at(tokens);
            all.extend(quote_spanned! {tokens.span()=>
                const _: () = #private::contract::event_has_key(#name, #text, <#event as #private::Event>::KEY);
            });
        }
        Some(Partition::Field(field)) => {
            let (private, written) = (private.at(field), field.to_token_stream().to_string());
            let key = quote!(<#event as #private::Event>::KEY);
            all.extend(quote_spanned! {field.span()=>
                const _: () = #private::contract::partition_is_the_key(#name, #text, #written, #key);
            });
        }
    }
    all
}
