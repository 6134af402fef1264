//! Event types as they were derived.

use super::Location;
use crate::event::EventDescriptor;

/// A type with `#[derive(Event)]` that has no type parameters. `check` lists those that nobody subscribes to.
#[derive(Debug)]
pub struct EventRegistration {
    /// The Rust type's name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// What it is.
    pub descriptors: &'static [EventDescriptor],
}

inventory::collect!(EventRegistration);
