//! `health = path`, or `health(check = path, timeout = "2s", critical = false)`.

use std::time::Duration;

use swit_grammar::health::DEFAULT_TIMEOUT;
use syn::Path;

use crate::{
    health_check::timeout,
    parsing::{Elsewhere, Entry, Form, Keys, Vocabulary},
    report::Errors,
};

const VOCABULARY: Vocabulary =
    Vocabulary { attribute: "health(…)", known: &["check", "timeout", "critical"], later: &[] };

/// Keys of the list that one would write beside it.
pub(super) const ELSEWHERE: &[Elsewhere] = &[Elsewhere {
    keys: &["timeout", "critical"],
    whose: "the health's, and stands in its parentheses",
    help: "write `health(check = some::path, timeout = \"2s\", critical = false)`",
}];

/// What a provider is asked by, and how long, and whether the service depends on it.
pub(super) struct Health {
    pub(super) check: Path,
    pub(super) timeout: Duration,
    pub(super) critical: bool,
}

impl Health {
    /// Reads the key; what is wrong is reported at the argument.
    pub(super) fn read(entry: &Entry, errors: &Errors) -> Option<Self> {
        let Form::List(group) = &entry.form else {
            return Some(Self { check: entry.path(errors)?, timeout: DEFAULT_TIMEOUT, critical: true });
        };
        let mut keys = Keys::read(group.stream(), &VOCABULARY, errors);
        let check = keys.take("check");
        let timeout = keys.take("timeout").map(|entry| timeout(&entry, errors));
        let critical = keys.take("critical").map(|entry| entry.boolean(errors));
        if check.is_none() && !keys.were_refused() {
            let help = "write `health(check = some::path)`, or `health = some::path`";
            errors.at(entry.value_tokens(), "`health(…)` names nothing that is called", help);
        }
        Some(Self {
            check: check?.path(errors)?,
            timeout: timeout.unwrap_or(Some(DEFAULT_TIMEOUT))?,
            critical: critical.unwrap_or(Some(true))?,
        })
    }
}
