//! The keys of `#[subscriber]`, each value checked by itself.

use std::time::Duration;

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::ToTokens;
use swit_grammar::{
    Backoff, RateLimit,
    name::{check_event_type, check_name, check_queue},
    subscriber::AckMode,
    topic::check_pattern,
};
use syn::{LitBool, LitStr, Path};

use super::restraints::{self, Breaker};
use crate::{
    event::{Codec, Format},
    parsing::{Elsewhere, Entry, Form, Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[subscriber]",
    known: &[
        "name",
        "topic",
        "topics",
        "event",
        "queue",
        "group",
        "concurrency",
        "prefetch",
        "ordered",
        "order_by",
        "ack",
        "timeout",
        "retries",
        "backoff",
        "dead_letter",
        "middleware",
        "on_error",
        "enabled",
        "codec",
        "transport",
        "blocking",
        "classifier",
        "circuit_breaker",
        "rate_limit",
        "validate",
        "batch",
        "inbox",
        "crate",
    ],
    later: &[],
};

/// Keys of the attributes beside it.
pub(super) const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        keys: &["order", "composite"],
        whose: "an event handler's",
        help: "write `#[event_handler(composite = NAME, order = 10)]`, or remove it",
    },
    Elsewhere {
        keys: &["strategy"],
        whose: "a composite's",
        help: "write `swit::composite!(NAME, strategy = …, …)`, or remove it",
    },
    Elsewhere {
        keys: &["only", "except"],
        whose: "a middleware's, which says around whom it runs",
        help: "list middleware for this subscriber with `middleware = [path]`",
    },
];

/// A value with the tokens that it was read from.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) tokens: TokenStream,
}

/// `topic = "…"` or `topics = […]`.
#[derive(Debug)]
pub(crate) struct Topics {
    pub(crate) entries: Vec<LitStr>,
    /// The literal, or the whole list.
    pub(crate) tokens: TokenStream,
}

/// `group = …`.
#[derive(Debug)]
pub(crate) enum Sharing {
    Named(LitStr),
    PerInstance,
}

/// `ordered` or `order_by = …`.
#[derive(Debug)]
pub(crate) enum OrderBy {
    Subscription,
    Key,
    Header(LitStr),
}

/// `dead_letter = …`.
#[derive(Debug)]
pub(crate) enum DeadLetter {
    Queue(LitStr),
    Discard,
}

/// `validate = …`.
#[derive(Debug)]
pub(crate) enum Validate {
    /// By the schema of the payload's type, with the word that says so.
    Schema(TokenStream),
    Function(Path),
}

/// What the attribute says, key by key; `None` is «not written» or «reported».
#[derive(Debug, Default)]
pub(crate) struct Raw {
    pub(crate) name: Option<LitStr>,
    pub(crate) topics: Option<Topics>,
    pub(crate) event: Option<LitStr>,
    pub(crate) queue: Option<LitStr>,
    pub(crate) group: Option<Sharing>,
    pub(crate) concurrency: Option<At<u32>>,
    pub(crate) prefetch: Option<At<u32>>,
    pub(crate) order: Option<OrderBy>,
    pub(crate) ack: Option<At<AckMode>>,
    pub(crate) timeout: Option<At<Duration>>,
    pub(crate) retries: Option<At<u32>>,
    pub(crate) backoff: Option<At<Backoff>>,
    pub(crate) dead_letter: Option<At<DeadLetter>>,
    pub(crate) middleware: Vec<Path>,
    pub(crate) on_error: Option<Path>,
    pub(crate) enabled: Option<bool>,
    pub(crate) codec: Option<Codec>,
    pub(crate) transport: Option<LitStr>,
    pub(crate) blocking: bool,
    pub(crate) classifier: Option<Path>,
    pub(crate) circuit_breaker: Option<Breaker>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) validate: Option<Validate>,
    pub(crate) batch: Option<At<swit_grammar::Batch>>,
    /// `inbox`, where it stands.
    pub(crate) inbox: Option<proc_macro2::Ident>,
    /// `batch` stands there, whether or not its numbers are right.
    pub(crate) says_batch: Option<proc_macro2::Ident>,
}

impl Raw {
    /// Takes every key out of the table.
    pub(crate) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        let topics = topics(keys, errors);
        let queue = keys.take("queue");
        if let (Some(queue), Some(_)) = (&queue, &topics) {
            let help = "keep `topic` to have a queue of one's own, `queue` to consume an existing one";
            errors.at(&queue.key, "`queue` and `topic` exclude each other", help);
        }
        let batch = keys.take("batch");
        Self {
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            topics,
            event: keys.take("event").and_then(|entry| entry.checked(check_event_type, errors)),
            queue: queue.and_then(|entry| entry.checked(check_queue, errors)),
            group: keys.take("group").and_then(|entry| group(&entry, errors)),
            concurrency: located(keys.take("concurrency"), |entry| entry.integer(errors)),
            prefetch: located(keys.take("prefetch"), |entry| entry.integer(errors)),
            order: order(keys, errors),
            ack: located(keys.take("ack"), |entry| ack(entry, errors)),
            timeout: located(keys.take("timeout"), |entry| entry.duration(errors)),
            retries: located(keys.take("retries"), |entry| entry.integer(errors)),
            backoff: located(keys.take("backoff"), |entry| entry.backoff(errors)),
            dead_letter: located(keys.take("dead_letter"), |entry| dead_letter(entry, errors)),
            middleware: keys
                .take("middleware")
                .and_then(|entry| entry.paths("middleware = [audit, tenants::resolve]", errors))
                .unwrap_or_default(),
            on_error: keys.take("on_error").and_then(|entry| entry.path(errors)),
            enabled: keys.take("enabled").and_then(|entry| entry.boolean(errors)),
            codec: keys.take("codec").and_then(|entry| Codec::read(&entry.string(errors)?, errors)),
            transport: keys.take("transport").and_then(|entry| entry.checked(check_name, errors)),
            blocking: keys.take("blocking").is_some_and(|entry| entry.flag(errors)),
            classifier: keys.take("classifier").and_then(|entry| entry.path(errors)),
            circuit_breaker: keys.take("circuit_breaker").and_then(|entry| restraints::breaker(&entry, errors)),
            rate_limit: keys.take("rate_limit").and_then(|entry| restraints::rate_limit(&entry, errors)),
            validate: keys.take("validate").and_then(|entry| validate(&entry, errors)),
            inbox: keys.take("inbox").and_then(|entry| entry.flag(errors).then_some(entry.key)),
            says_batch: batch.as_ref().map(|entry| entry.key.clone()),
            batch: batch.and_then(|entry| restraints::batch(&entry, errors)),
        }
    }

    /// Whether messages are JSON, whatever their event types accept.
    pub(super) fn is_json_alone(&self) -> bool {
        self.codec.as_ref().is_some_and(|codec| codec.format == Format::Json)
    }
}

/// A value, with the tokens that it was read from.
pub(crate) fn located<T>(entry: Option<Entry>, read: impl FnOnce(&Entry) -> Option<T>) -> Option<At<T>> {
    let entry = entry?;
    Some(At { value: read(&entry)?, tokens: entry.value_tokens() })
}

fn topics(keys: &mut Keys<'_>, errors: &Errors) -> Option<Topics> {
    let (one, many) = (keys.take("topic"), keys.take("topics"));
    if let (Some(_), Some(many)) = (&one, &many) {
        errors.at(&many.key, "`topic` and `topics` are both given", "list every topic in `topics`");
    }
    if let Some(entry) = one {
        if is_list(&entry) {
            errors.at(entry.value_tokens(), "`topic` takes one topic", "write `topics = [\"…\", \"…\"]` for several");
            return None;
        }
        let text = entry.checked(check_pattern, errors)?;
        return Some(Topics { tokens: text.to_token_stream(), entries: vec![text] });
    }
    let (list, brackets) = many?.strings("topics = [\"order.created\", \"order.paid\"]", errors)?;
    check_list(&list, &brackets, errors);
    Some(Topics { entries: list, tokens: brackets.to_token_stream() })
}

fn is_list(entry: &Entry) -> bool {
    matches!(&entry.form, Form::Value(tokens) if matches!(tokens.clone().into_iter().next(), Some(TokenTree::Group(group)) if group.delimiter() == proc_macro2::Delimiter::Bracket))
}

fn check_list(list: &[LitStr], brackets: &Group, errors: &Errors) {
    if list.is_empty() {
        errors.at(brackets, "`topics` is empty", "name at least one topic, or leave it out for the event's own");
    }
    for (index, text) in list.iter().enumerate() {
        if let Err(fault) = check_pattern(&text.value()) {
            errors.fault(text, &fault);
        } else if list[..index].iter().any(|earlier| earlier.value() == text.value()) {
            errors.at(text, format_args!("the topic \"{}\" is listed twice", text.value()), "keep one of them");
        }
    }
}

fn group(entry: &Entry, errors: &Errors) -> Option<Sharing> {
    if let Form::Value(tokens) = &entry.form
        && let Ok(word) = syn::parse2::<syn::Ident>(tokens.clone())
    {
        if word == "per_instance" {
            return Some(Sharing::PerInstance);
        }
        errors.at(&word, "`group` takes a string or `per_instance`", format_args!("write `group = \"{word}\"`"));
        return None;
    }
    let name = entry.checked(check_name, errors)?;
    if name.value() == "per_instance" {
        // A group that all instances share, of all names this one, is never what is meant.
        errors.at(
            &name,
            "`\"per_instance\"` would be the name of a group",
            "write `group = per_instance`, without quotes",
        );
        return None;
    }
    Some(Sharing::Named(name))
}

fn order(keys: &mut Keys<'_>, errors: &Errors) -> Option<OrderBy> {
    let (ordered, order_by) = (keys.take("ordered"), keys.take("order_by"));
    if let (Some(_), Some(order_by)) = (&ordered, &order_by) {
        let help = "keep `ordered` for the whole subscription, `order_by` for an order of each key";
        errors.at(&order_by.key, "`ordered` and `order_by` exclude each other", help);
    }
    let by = order_by.and_then(|entry| order_key(&entry, errors));
    let whole = ordered.is_some_and(|entry| entry.flag(errors));
    by.or(whole.then_some(OrderBy::Subscription))
}

fn order_key(entry: &Entry, errors: &Errors) -> Option<OrderBy> {
    let refuse = || entry.refuse("`key` or `header(\"…\")`", "order_by = key", errors);
    let Form::Value(tokens) = &entry.form else {
        refuse();
        return None;
    };
    let words: Vec<_> = tokens.clone().into_iter().collect();
    match words.as_slice() {
        [TokenTree::Ident(word)] if word == "key" => Some(OrderBy::Key),
        [TokenTree::Ident(word)] => {
            let message =
                format_args!("`order_by` takes `key` or `header(\"…\")`; order is kept before the payload is read");
            let help = format_args!(
                "to order by the field `{word}`, make it the event's key with `#[event(key = {word})]` and write `order_by = key`"
            );
            errors.at(word, message, help);
            None
        }
        [TokenTree::Ident(word), TokenTree::Group(group)] if word == "header" => {
            let Ok(name) = syn::parse2::<LitStr>(group.stream()) else {
                errors.at(group, "`header` takes the header's name", "write `header(\"x-tenant\")`");
                return None;
            };
            if name.value().is_empty() {
                errors.at(&name, "the header's name is empty", "write `header(\"x-tenant\")`");
                return None;
            }
            Some(OrderBy::Header(name))
        }
        _ => {
            refuse();
            None
        }
    }
}

fn ack(entry: &Entry, errors: &Errors) -> Option<AckMode> {
    let text = entry.string(errors)?;
    match text.value().as_str() {
        "auto" => Some(AckMode::Auto),
        "manual" => Some(AckMode::Manual),
        "none" => Some(AckMode::None),
        other => {
            let near = swit_grammar::nearest::nearest(other, ["auto", "manual", "none"]);
            let help = near.map_or_else(
                || "write \"auto\", \"manual\" or \"none\"".to_owned(),
                |near| format!("did you mean \"{near}\"?"),
            );
            errors.at(&text, format_args!("`ack` is \"{other}\""), help);
            None
        }
    }
}

fn dead_letter(entry: &Entry, errors: &Errors) -> Option<DeadLetter> {
    if let Form::Value(tokens) = &entry.form
        && let Ok(value) = syn::parse2::<LitBool>(tokens.clone())
    {
        if value.value {
            let help = "leave `dead_letter` out for the default queue, or name one: `dead_letter = \"orders.dlq\"`";
            errors.at(&value, "`dead_letter` takes a queue's name or `false`", help);
            return None;
        }
        return Some(DeadLetter::Discard);
    }
    entry.checked(check_queue, errors).map(DeadLetter::Queue)
}

/// The path of a function, or the word that stands for the type's schema.
pub(crate) fn validate(entry: &Entry, errors: &Errors) -> Option<Validate> {
    let path = match &entry.form {
        Form::Value(tokens) => syn::parse2::<Path>(tokens.clone()).ok(),
        Form::Flag | Form::List(_) => None,
    };
    let Some(path) = path else {
        let example = "validate = check_order` or `validate = schema";
        entry.refuse("the path of a function, or `schema`", example, errors);
        return None;
    };
    Some(if path.is_ident("schema") { Validate::Schema(entry.value_tokens()) } else { Validate::Function(path) })
}
