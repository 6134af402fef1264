//! The keys of `#[event_handler]`, each by itself and to the function.

use proc_macro2::{Ident, TokenStream};
use swit_grammar::name::check_name;
use syn::{LitStr, Path};

use crate::{
    parsing::{Elsewhere, Entry, Form, Keys, Vocabulary, mentions},
    report::Errors,
    subscriber::{
        attribute::{self, Validate},
        signature::Handler,
        validate::{asked, default_name},
    },
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[event_handler]",
    known: &["composite", "order", "name", "on_error", "blocking", "validate", "inbox", "crate"],
    later: &[],
};

/// Keys of `#[subscriber]` that are the composite's: its handlers share one subscription.
pub(super) const OF_THE_COMPOSITE: Elsewhere = Elsewhere {
    keys: &[
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
        "enabled",
        "codec",
        "transport",
        "classifier",
        "circuit_breaker",
        "rate_limit",
        "strategy",
    ],
    whose: "its composite's: all of its handlers share one subscription",
    help: "write it in `swit::composite!(NAME, strategy = …, …)`",
};

/// A key of `#[subscriber]` that neither has.
pub(super) const OF_NONE: Elsewhere = Elsewhere {
    keys: &["batch"],
    whose: "a `#[subscriber]`'s, which takes its messages together; event handlers take them one by one",
    help: "remove `batch`",
};

/// The composite that an event handler names.
pub(super) enum Owner {
    Path(Path),
    Name(LitStr),
}

/// What the attribute says, key by key; `None` is «not written» or «reported».
pub(super) struct Raw {
    composite: Option<Owner>,
    order: Option<i32>,
    name: Option<LitStr>,
    on_error: Option<Path>,
    pub(super) blocking: bool,
    validate: Option<Validate>,
    inbox: Option<Ident>,
    /// Keys that must be there and were not written.
    missing: Vec<&'static str>,
}

/// An event handler that is right as far as one attribute and one signature can tell.
pub(super) struct EventHandler {
    pub(super) owner: Owner,
    pub(super) order: i32,
    pub(super) name: String,
    pub(super) on_error: Option<Path>,
    pub(super) blocking: bool,
    pub(super) validate: Option<Validate>,
    /// `inbox`, where it stands.
    pub(super) inbox: Option<Ident>,
    pub(super) handler: Handler,
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, written: &TokenStream, errors: &Errors) -> Self {
        let (composite, order) = (keys.take("composite"), keys.take("order"));
        let missing = [("composite", composite.is_none()), ("order", order.is_none())];
        Self {
            missing: missing
                .into_iter()
                .filter(|(key, missing)| *missing && !mentions(written, key, errors))
                .map(|(key, _)| key)
                .collect(),
            composite: composite.and_then(|entry| owner(&entry, errors)),
            order: order.and_then(|entry| entry.integer(errors)),
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            on_error: keys.take("on_error").and_then(|entry| entry.path(errors)),
            blocking: keys.take("blocking").is_some_and(|entry| entry.flag(errors)),
            validate: keys.take("validate").and_then(|entry| attribute::validate(&entry, errors)),
            inbox: keys.take("inbox").and_then(|entry| entry.flag(errors).then_some(entry.key)),
        }
    }
}

fn owner(entry: &Entry, errors: &Errors) -> Option<Owner> {
    if let Form::Value(tokens) = &entry.form
        && syn::parse2::<LitStr>(tokens.clone()).is_err()
    {
        if let Ok(path) = syn::parse::Parser::parse2(Path::parse_mod_style, tokens.clone()) {
            return Some(Owner::Path(path));
        }
        entry.refuse("the path of a composite, or its name in quotation marks", "composite = orders_created", errors);
        return None;
    }
    entry.checked(check_name, errors).map(Owner::Name)
}

/// Checks the keys together, and to the function.
pub(super) fn validate(raw: Raw, handler: Handler, errors: &Errors) -> Option<EventHandler> {
    let ident = handler.ident();
    for key in &raw.missing {
        absent(key, ident, errors);
    }
    asked(raw.on_error.as_ref(), &handler, errors);
    let name = raw
        .name
        .as_ref()
        .map_or_else(|| default_name(ident, "#[event_handler(…, name = \"…\")]", errors), syn::LitStr::value);
    Some(EventHandler {
        owner: raw.composite?,
        order: raw.order?,
        name,
        on_error: raw.on_error,
        blocking: raw.blocking,
        validate: raw.validate,
        inbox: raw.inbox,
        handler,
    })
}

fn absent(key: &str, ident: &Ident, errors: &Errors) {
    match key {
        "composite" => errors.at(
            ident,
            format_args!("`{ident}` does not say which composite it belongs to"),
            "write `#[event_handler(composite = NAME, order = 10)]`, and beside it `swit::composite!(NAME, strategy = sequential);`; what stands alone is a `#[subscriber]`",
        ),
        _ => errors.at(
            ident,
            format_args!("`{ident}` has no place among the handlers of its composite"),
            "write `order = 10`; the smallest runs first, and each is there once",
        ),
    }
}
