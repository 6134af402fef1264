//! Subscribers that are made, paused and ended while the service runs: what [`Handle`](super::Handle) does for them.
//!
//! - `subscription`, `policies`: their options, as the attribute's keys;
//! - `assemble`: from options to a checked subscriber, with every fault at once;
//! - `row`: one of them, as it stands on the metrics page;
//! - `members`: all subscribers of a running service, by name, and who owns their tasks.

mod assemble;
mod circuit_breaker;
mod members;
mod policies;
#[cfg(feature = "prometheus")]
mod row;
mod status;
mod subscription;

pub(super) use assemble::{Facts, Parts};
pub use circuit_breaker::CircuitBreaker;
pub(super) use members::{Member, Members};
pub use policies::Policies;
#[cfg(feature = "prometheus")]
pub(super) use row::{Retired, Row};
pub use status::{Remaining, SubscriberState, SubscriberStatus, Unsubscribed};
pub use subscription::Subscription;
