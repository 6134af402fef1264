//! The keys of `#[saga]` itself.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use swit_grammar::{
    name::{check_name, dashed_words},
    saga::{DEFAULT_CONCURRENCY, Keys as Checked},
};
use syn::{LitStr, Type};

use crate::{
    names::spelled,
    parsing::{Elsewhere, Entry, Keys, Vocabulary, mentions},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[saga]",
    known: &["key", "name", "version", "accepts", "timeout", "concurrency", "crate"],
    later: &[],
};

/// Keys of the attributes inside of the block.
pub(super) const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        keys: &["compensate", "no_compensation", "retries", "backoff", "idempotency_key", "after"],
        whose: "a step's",
        help: "write it at the function: `#[step(…)]`",
    },
    Elsewhere {
        keys: &["topic", "topics", "event", "group", "dead_letter", "within"],
        whose: "written where an event comes in",
        help: "write it at the function that takes the event: `#[start(…)]`, or `#[wait(…)]`",
    },
];

/// What the attribute says.
pub(super) struct Attribute {
    /// What an instance is found by, where it is right.
    pub(super) key: Option<Ident>,
    pub(super) name: String,
    pub(super) version: u32,
    pub(super) accepts: Vec<u32>,
    pub(super) timeout: Option<Duration>,
    pub(super) concurrency: u32,
}

impl Attribute {
    /// Takes every key out of the table, and checks them together.
    pub(super) fn read(keys: &mut Keys<'_>, written: &TokenStream, ty: Option<&Type>, errors: &Errors) -> Self {
        let key = keys.take("key");
        if key.is_none() && !mentions(written, "key", errors) {
            let what = ty.map_or_else(|| "the saga".to_owned(), |ty| format!("`{}`", spelled(ty)));
            let help = "write `#[saga(key = order)]`: a field, or a function of this block taking `&self`";
            let message = format_args!("{what} does not say what its instances are told apart by");
            match ty {
                Some(ty) => errors.at(ty, message, help),
                None => errors.at(written, message, help),
            }
        }
        let key = key.and_then(|entry| entry.word("a field, or a function of this block", "key = order", errors));
        let name = keys.take("name").and_then(|entry| entry.checked(check_name, errors));
        let [version, timeout, concurrency] = ["version", "timeout", "concurrency"].map(|key| keys.take(key));
        let at = |key: &str| [&version, &timeout, &concurrency].into_iter().flatten().find(|entry| entry.name() == key);
        let checked = Checked {
            version: version.as_ref().map_or(Some(1), |entry| entry.integer(errors)).unwrap_or(1),
            timeout: timeout.as_ref().and_then(|entry| entry.duration(errors)),
            concurrency: concurrency
                .as_ref()
                .map_or(Some(DEFAULT_CONCURRENCY), |entry| entry.integer(errors))
                .unwrap_or(DEFAULT_CONCURRENCY),
        };
        for fault in checked.faults() {
            errors.fault(at(fault.key).map_or_else(|| written.clone(), Entry::value_tokens), &fault);
        }
        let accepts = keys.take("accepts").map(|entry| accepted(&entry, &checked, errors)).unwrap_or_default();
        Self {
            key,
            name: name_of(name.as_ref(), ty, errors),
            version: checked.version,
            accepts,
            timeout: checked.timeout,
            concurrency: checked.concurrency,
        }
    }
}

fn accepted(entry: &Entry, checked: &Checked, errors: &Errors) -> Vec<u32> {
    let mut accepted = Vec::new();
    for (version, literal) in entry.integers("accepts = [1, 2]", errors).unwrap_or_default() {
        match checked.accepts(version, &accepted) {
            Ok(()) => accepted.push(version),
            Err(fault) => errors.fault(literal, &fault),
        }
    }
    accepted
}

/// The name, or else the type's.
fn name_of(written: Option<&LitStr>, ty: Option<&Type>, errors: &Errors) -> String {
    if let Some(name) = written {
        return name.value();
    }
    let Some(Type::Path(path)) = ty else { return String::new() };
    let Some(last) = path.path.segments.last() else { return String::new() };
    let name = dashed_words(&last.ident.to_string());
    if let Err(fault) = check_name(&name) {
        errors.at(last.ident.to_token_stream(), &fault.message, "give it a name: `#[saga(…, name = \"…\")]`");
    }
    name
}
