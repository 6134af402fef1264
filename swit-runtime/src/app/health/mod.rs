//! How a running service is: [`Running::health`](super::Running::health), and the pages that tell it.
//!
//! A service is *ready* if it runs, each of its connections stands, each subscription that is to consume does, and no
//! critical check fails. It is *live* as long as it answers: nothing that depends on others belongs there, since a restart
//! would not mend it.

mod check;
mod checks;
#[cfg(feature = "admin")]
mod pages;
mod report;
mod vitals;

pub(super) use check::Check;
pub(super) use checks::{Checks, Wait};
#[cfg(feature = "admin")]
pub(super) use pages::pages;
pub use report::{Component, ComponentKind, Health, HealthStatus, Stage};
pub(super) use vitals::Vitals;
