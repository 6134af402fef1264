//! Providers as they were written.

use std::{any::TypeId, time::Duration};

use super::Location;
use crate::{
    classify::BoxError,
    extract::Requirements,
    scope::{Scope, Shared},
    transport::BoxFuture,
};

/// Closes what a provider built.
pub type Close = fn(Shared) -> BoxFuture<'static, Result<(), BoxError>>;

/// Checks what a provider built.
pub type CheckHealth = fn(Shared) -> BoxFuture<'static, Result<(), BoxError>>;

/// How a provider says whether what it built is well.
#[derive(Clone, Copy, Debug)]
pub struct ProviderHealth {
    /// Checks.
    pub check: CheckHealth,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether the service is not ready while it fails.
    pub critical: bool,
}

/// A function with `#[provider]`.
pub struct ProviderRegistration {
    /// Its function's name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// The type that it builds.
    pub output: fn() -> TypeId,
    /// That type's name.
    pub output_name: fn() -> &'static str,
    /// What its arguments require.
    pub requires: fn(&mut Requirements),
    /// Builds the value.
    pub build: for<'a> fn(&'a Scope) -> BoxFuture<'a, Result<Shared, BoxError>>,
    /// Closes it, after everything that uses it has ended.
    pub close: Option<Close>,
    /// Checks whether it is well, for the health page.
    pub health: Option<ProviderHealth>,
}

impl std::fmt::Debug for ProviderRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderRegistration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("output", &(self.output_name)())
            .finish_non_exhaustive()
    }
}

/// What the function behind `close = path` may return: nothing, or a `Result`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a provider's `close`",
    label = "neither `()` nor a `Result<(), E>`",
    note = "return `()`, or a `Result<(), E>` whose `E` converts into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait Closed {
    /// As a result.
    ///
    /// # Errors
    /// The function's own.
    fn closed(self) -> Result<(), BoxError>;
}

impl Closed for () {
    fn closed(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> Closed for Result<(), E> {
    fn closed(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// What inventory collects.
#[derive(Debug)]
pub struct ProviderRef(pub &'static ProviderRegistration);

inventory::collect!(ProviderRef);
