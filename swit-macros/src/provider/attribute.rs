//! The keys of `#[provider]`.

use swit_grammar::name::check_name;
use syn::{LitStr, Path};

use super::health::Health;
use crate::{
    parsing::{Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary =
    Vocabulary { attribute: "#[provider]", known: &["name", "close", "health", "crate"], later: &[] };

/// What the attribute says; its keys say nothing of each other.
pub(super) struct Attribute {
    pub(super) name: Option<LitStr>,
    pub(super) close: Option<Path>,
    pub(super) health: Option<Health>,
}

impl Attribute {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        Self {
            name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
            close: keys.take("close").and_then(|entry| entry.path(errors)),
            health: keys.take("health").and_then(|entry| Health::read(&entry, errors)),
        }
    }
}
