//! Collects faults, so that a report has all of them.

use std::fmt::Display;

use crate::error::{StartupFault, StartupReport};

/// Collects faults; the report has them in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<StartupFault>);

impl Faults {
    pub(crate) fn add(&mut self, location: impl Display, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(StartupFault::new(location, message, help));
    }

    pub(crate) fn all(&mut self, faults: Vec<StartupFault>) {
        self.0.extend(faults);
    }

    /// All of them, in the order of their places.
    pub(crate) fn into_list(mut self) -> Vec<StartupFault> {
        self.0.sort_by(|a, b| a.location.cmp(&b.location));
        self.0.dedup();
        self.0
    }

    pub(super) fn report(mut self) -> Result<(), StartupReport> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by(|a, b| a.location.cmp(&b.location));
        self.0.dedup();
        Err(StartupReport { faults: self.0 })
    }
}
