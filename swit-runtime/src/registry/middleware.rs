//! Middleware as it was written.

use std::sync::Arc;

use super::Location;
use crate::{
    extract::Requirements,
    middleware::{Middleware, PublishMiddleware},
};

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

/// A function with `#[middleware(publish)]`.
pub struct PublishMiddlewareRegistration {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// Smaller is further out; equal orders stand by module and name.
    pub order: i32,
    /// The only publishers that it runs around; empty: all, with and without a name.
    pub only: &'static [&'static str],
    /// The publishers that it does not run around.
    pub except: &'static [&'static str],
    /// The topics that it runs for, as patterns; empty: all.
    pub topics: &'static [&'static str],
    /// What its arguments after `next` require.
    pub requires: fn(&mut Requirements),
    /// Makes it.
    pub make: fn() -> Arc<dyn PublishMiddleware>,
}

impl std::fmt::Debug for PublishMiddlewareRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishMiddlewareRegistration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// The type twin of a function with `#[middleware(publish)]`, so that an app of some handlers can name it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not publish-side middleware",
    note = "name a function that carries `#[middleware(publish)]`"
)]
pub trait PublishMiddlewareItem {
    /// What was registered.
    const REGISTRATION: &'static PublishMiddlewareRegistration;
}

/// What inventory collects.
#[derive(Debug)]
pub struct PublishMiddlewareRef(pub &'static PublishMiddlewareRegistration);

inventory::collect!(PublishMiddlewareRef);
