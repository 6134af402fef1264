//! Middleware as it was written.

use std::sync::Arc;

use super::Location;
use crate::{extract::Requirements, middleware::Middleware};

/// A function with `#[middleware]`.
pub struct MiddlewareRegistration {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// Smaller is further out; equal orders stand by module and name.
    pub order: i32,
    /// Runs around every subscriber, without being listed.
    pub global: bool,
    /// The only subscribers that a global one runs around; empty: all.
    pub only: &'static [&'static str],
    /// The subscribers that a global one does not run around.
    pub except: &'static [&'static str],
    /// What its arguments after `next` require.
    pub requires: fn(&mut Requirements),
    /// Makes it.
    pub make: fn() -> Arc<dyn Middleware>,
}

impl std::fmt::Debug for MiddlewareRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MiddlewareRegistration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("order", &self.order)
            .field("global", &self.global)
            .finish_non_exhaustive()
    }
}

/// The type twin of a function with `#[middleware]`, so that subscribers can list it by path.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not middleware",
    note = "list functions that carry `#[middleware(global = false)]`"
)]
pub trait MiddlewareItem {
    /// What was registered.
    const REGISTRATION: &'static MiddlewareRegistration;
}

/// What inventory collects.
#[derive(Debug)]
pub struct MiddlewareRef(pub &'static MiddlewareRegistration);

inventory::collect!(MiddlewareRef);
