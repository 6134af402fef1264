//! The keys of `#[health_check]`.

use std::time::Duration;

use swit_grammar::{health, name::check_name};
use syn::LitStr;

use crate::{
    parsing::{Entry, Keys, Vocabulary},
    report::Errors,
    scoped::Scoped,
    subscriber::validate::default_name,
};

pub(super) const VOCABULARY: Vocabulary =
    Vocabulary { attribute: "#[health_check]", known: &["name", "timeout", "critical", "crate"], later: &[] };

/// What the attribute says, key by key.
pub(super) struct Raw {
    name: Option<LitStr>,
    timeout: Option<Duration>,
    critical: Option<bool>,
}

/// What is to be registered.
pub(super) struct Attribute {
    pub(super) name: String,
    pub(super) timeout: Duration,
    pub(super) critical: bool,
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        Self {
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            timeout: keys.take("timeout").and_then(|entry| timeout(&entry, errors)),
            critical: keys.take("critical").and_then(|entry| entry.boolean(errors)),
        }
    }
}

/// How long a check may take.
pub(crate) fn timeout(entry: &Entry, errors: &Errors) -> Option<Duration> {
    let written = entry.duration(errors)?;
    match health::timeout(&swit_grammar::duration::format(written)) {
        Ok(timeout) => Some(timeout),
        Err(fault) => {
            errors.fault(entry.value_tokens(), &fault);
            None
        }
    }
}

impl Attribute {
    /// The keys with what stands in for those that were not written.
    pub(super) fn validate(raw: &Raw, function: &Scoped, errors: &Errors) -> Self {
        let name = raw
            .name
            .as_ref()
            .map_or_else(|| default_name(function.ident(), "#[health_check(name = \"…\")]", errors), LitStr::value);
        Self { name, timeout: raw.timeout.unwrap_or(health::DEFAULT_TIMEOUT), critical: raw.critical.unwrap_or(true) }
    }
}
