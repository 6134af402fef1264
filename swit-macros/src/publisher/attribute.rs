//! The keys of `#[publisher]`, each value checked by itself.

use std::time::Duration;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use swit_grammar::{
    name::{check_name, dashed_type},
    publisher::{Batching, DEFAULT_CAPACITY, check_capacity, check_compression, check_confirm, check_unrouted},
    size,
    topic::check_topic,
};
use syn::{LitInt, LitStr, Member, Type};

use super::item::Item;
use crate::{
    parsing::{Entry, Form, Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[publisher]",
    known: &[
        "event",
        "name",
        "topic",
        "confirm",
        "batch",
        "compression",
        "async",
        "partition",
        "unrouted",
        "transport",
        "transactional",
        "crate",
    ],
    later: &[],
};

const BATCH: Vocabulary = Vocabulary { attribute: "batch(…)", known: &["messages", "bytes", "every"], later: &[] };

const ASYNC: Vocabulary = Vocabulary { attribute: "async(…)", known: &["capacity"], later: &[] };

/// `partition = …`.
pub(super) enum Partition {
    /// `key`: the event's own.
    Key(TokenStream),
    /// A field of the event.
    Field(Member),
}

/// What the attribute says, key by key; `None` is «not written» or «reported».
pub(super) struct Raw {
    event: Option<Entry>,
    name: Option<LitStr>,
    keys: Options,
}

/// The keys that are right by themselves.
pub(super) struct Options {
    pub(super) topic: Option<LitStr>,
    pub(super) confirm: Option<Duration>,
    pub(super) batch: Option<Batching>,
    pub(super) compression: Option<LitStr>,
    pub(super) capacity: Option<u32>,
    pub(super) partition: Option<Partition>,
    pub(super) unrouted: Option<LitStr>,
    pub(super) transport: Option<LitStr>,
    /// Publishes in transactions alone.
    pub(super) transactional: bool,
}

/// A publisher that is right as far as one attribute and one struct can tell.
pub(super) struct Publisher {
    pub(super) name: String,
    pub(super) event: Type,
    pub(super) keys: Options,
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        let transactional = keys.take("transactional").is_some_and(|entry| entry.flag(errors));
        let entries = [("batch", keys.take("batch")), ("async", keys.take("async")), ("confirm", keys.take("confirm"))];
        for (name, entry) in entries.iter().filter(|_| transactional) {
            let Some(entry) = entry else { continue };
            let message =
                format_args!("`{name}` says how a broker is waited for, but `transactional` leaves that to the relay");
            errors.at(&entry.key, message, format_args!("remove `{name}` or `transactional`"));
        }
        let [(_, batching), (_, queueing), (_, confirming)] = entries;
        Self {
            event: keys.take("event"),
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            keys: Options {
                topic: keys.take("topic").and_then(|entry| entry.checked(check_topic, errors)),
                confirm: confirming.and_then(|entry| confirm(&entry, errors)),
                batch: batching.and_then(|entry| batch(&entry, errors)),
                compression: keys.take("compression").and_then(|entry| compression(&entry, errors)),
                capacity: queueing.and_then(|entry| capacity(&entry, errors)),
                partition: keys.take("partition").and_then(|entry| partition(&entry, errors)),
                unrouted: keys.take("unrouted").and_then(|entry| entry.checked(check_unrouted, errors)),
                transport: keys.take("transport").and_then(|entry| entry.checked(check_name, errors)),
                transactional,
            },
        }
    }

    /// Checks what must be there.
    pub(super) fn validate(self, item: &Item, errors: &Errors) -> Option<Publisher> {
        let ident = &item.ident;
        let event = match &self.event {
            Some(entry) => entry.ty(errors),
            // A key that was refused may have been meant for it.
            None if errors.any() => None,
            None => {
                let help = "write `#[publisher(event = OrderCreated)]`";
                errors.at(ident, format_args!("the publisher `{ident}` has no event"), help);
                None
            }
        };
        let name = self.name.map_or_else(|| default_name(item, errors), |name| name.value());
        Some(Publisher { name, event: event?, keys: self.keys })
    }
}

fn default_name(item: &Item, errors: &Errors) -> String {
    let name = dashed_type(&item.name());
    if let Err(fault) = check_name(&name) {
        errors.at(&item.ident, &fault.message, "give it a name: `#[publisher(name = \"…\")]`");
    }
    name
}

fn confirm(entry: &Entry, errors: &Errors) -> Option<Duration> {
    let confirm = entry.duration(errors)?;
    check_confirm(confirm).map_err(|fault| errors.fault(entry.value_tokens(), &fault)).ok()?;
    Some(confirm)
}

fn compression(entry: &Entry, errors: &Errors) -> Option<LitStr> {
    let text = entry.string(errors)?;
    check_compression(&text.value()).map_err(|fault| errors.fault(&text, &fault)).ok()?;
    Some(text)
}

fn batch(entry: &Entry, errors: &Errors) -> Option<Batching> {
    let group = match &entry.form {
        Form::Flag => return Some(Batching::DEFAULT),
        Form::List(group) => group,
        Form::Value(_) => {
            let example = "batch(messages = 100, bytes = \"1MiB\", every = \"100ms\")";
            entry.refuse("its limits in parentheses", example, errors);
            return None;
        }
    };
    let mut keys = Keys::read(group.stream(), &BATCH, errors);
    let (messages, bytes, every) = (keys.take("messages"), keys.take("bytes"), keys.take("every"));
    let mut batch = Batching::DEFAULT;
    let mut fine = true;
    if let Some(entry) = &messages {
        fine &= set(&mut batch.messages, entry.integer(errors));
    }
    if let Some(entry) = &bytes {
        fine &= set(&mut batch.bytes, bytes_of(entry, errors));
    }
    if let Some(entry) = &every {
        fine &= set(&mut batch.every, entry.duration(errors));
    }
    let Err(fault) = batch.check() else { return fine.then_some(batch) };
    let at = match fault.key {
        "messages" => messages,
        "bytes" => bytes,
        _ => every,
    };
    errors.fault(at.map_or_else(|| group.to_token_stream(), |entry| entry.value_tokens()), &fault);
    None
}

fn set<T>(slot: &mut T, value: Option<T>) -> bool {
    let there = value.is_some();
    if let Some(value) = value {
        *slot = value;
    }
    there
}

/// `bytes = "1MiB"` or a number of bytes.
fn bytes_of(entry: &Entry, errors: &Errors) -> Option<usize> {
    if let Form::Value(tokens) = &entry.form
        && syn::parse2::<LitInt>(tokens.clone()).is_ok()
    {
        return entry.integer(errors);
    }
    let text = entry.string(errors)?;
    size::parse(&text.value()).map_err(|fault| errors.fault(&text, &fault)).ok()
}

fn capacity(entry: &Entry, errors: &Errors) -> Option<u32> {
    let group = match &entry.form {
        Form::Flag => return Some(DEFAULT_CAPACITY),
        Form::List(group) => group,
        Form::Value(_) => {
            let message = "`async` takes no value";
            errors.at(entry.value_tokens(), message, "write `async` alone, or `async(capacity = 1000)`");
            return None;
        }
    };
    let mut keys = Keys::read(group.stream(), &ASYNC, errors);
    let Some(entry) = keys.take("capacity") else {
        if !errors.any() {
            errors.at(group, "`async(…)` says nothing", "write `async` alone, or `async(capacity = 1000)`");
        }
        return None;
    };
    let capacity = entry.integer(errors)?;
    check_capacity(capacity).map_err(|fault| errors.fault(entry.value_tokens(), &fault)).ok()?;
    Some(capacity)
}

fn partition(entry: &Entry, errors: &Errors) -> Option<Partition> {
    let tokens = match &entry.form {
        Form::Value(tokens) => tokens.clone(),
        Form::Flag | Form::List(_) => TokenStream::new(),
    };
    match syn::parse2::<Member>(tokens.clone()) {
        Ok(Member::Named(word)) if word == "key" => Some(Partition::Key(tokens)),
        Ok(field) => Some(Partition::Field(field)),
        Err(_) => {
            let text = match tokens.into_iter().next() {
                Some(TokenTree::Literal(literal)) => literal.to_string().trim_matches('"').to_owned(),
                _ => "customer_id".to_owned(),
            };
            entry.refuse("`key`, or the name of a field of the event", &format!("partition = {text}"), errors);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn read(tokens: TokenStream) -> Result<Options, String> {
        let errors = Errors::new();
        let mut keys = Keys::read(tokens, &VOCABULARY, &errors);
        let raw = Raw::read(&mut keys, &errors);
        drop(keys);
        errors.finish().map(|()| raw.keys).map_err(|error| error.to_string())
    }

    #[test]
    fn batches_are_read() {
        let batch = |tokens| read(tokens).ok().and_then(|keys| keys.batch);
        assert_eq!(batch(quote!(batch)), Some(Batching::DEFAULT));
        let some = batch(quote!(batch(messages = 7, bytes = 10)));
        assert_eq!(some, Some(Batching { messages: 7, bytes: 10, ..Batching::DEFAULT }));
        assert_eq!(
            batch(quote!(batch(bytes = "2KiB", every = "1s"))),
            Some(Batching { bytes: 2048, every: Duration::from_secs(1), ..Batching::DEFAULT })
        );
        for wrong in [
            quote!(batch = 3),
            quote!(batch(messages = 1)),
            quote!(batch(size = 3)),
            quote!(batch(every = "2m")),
            quote!(batch(bytes = "much")),
            quote!(batch(messages = 3, messages = 4)),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn capacities_are_read() {
        let capacity = |tokens| read(tokens).ok().and_then(|keys| keys.capacity);
        assert_eq!(capacity(quote!(async)), Some(DEFAULT_CAPACITY));
        assert_eq!(capacity(quote!(async(capacity = 5))), Some(5));
        for wrong in [quote!(async = true), quote!(async()), quote!(async(capacity = 0)), quote!(async(size = 1))] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
