//! Health checks as they were written.

use std::time::Duration;

use super::Location;
use crate::{classify::BoxError, extract::Requirements, scope::Scope, transport::BoxFuture};

/// A function with `#[health_check]`.
pub struct HealthCheckRegistration {
    /// Its name: its function's, with dashes, unless its attribute says another.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// How long it may take.
    pub timeout: Duration,
    /// Whether the service is not ready while it fails.
    pub critical: bool,
    /// What its arguments require.
    pub requires: fn(&mut Requirements),
    /// Checks.
    pub check: for<'a> fn(&'a Scope) -> BoxFuture<'a, Result<(), BoxError>>,
}

impl std::fmt::Debug for HealthCheckRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HealthCheckRegistration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("timeout", &self.timeout)
            .field("critical", &self.critical)
            .finish_non_exhaustive()
    }
}

/// The type twin of a function with `#[health_check]`.
pub trait HealthCheckItem {
    /// What it registered.
    const REGISTRATION: &'static HealthCheckRegistration;
}

/// What a health check may return, and the function behind a provider's `health = path`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a health check",
    label = "not a `Result<(), E>`",
    note = "return `Result<(), E>`, where `E` converts into `Box<dyn std::error::Error + Send + Sync>`: its text is what the health page shows"
)]
pub trait Checked {
    /// As a result.
    ///
    /// # Errors
    /// The function's own.
    fn checked(self) -> Result<(), BoxError>;
}

impl<E: Into<BoxError>> Checked for Result<(), E> {
    fn checked(self) -> Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

/// What inventory collects.
#[derive(Debug)]
pub struct HealthCheckRef(pub &'static HealthCheckRegistration);

inventory::collect!(HealthCheckRef);
