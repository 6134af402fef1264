//! What stands between a subscriber's workers and its messages: whether they may pull now.
//!
//! - `gate`: shut by hand or by a breaker, and where workers wait;
//! - `breaker`, `window`, `breakers`: when a breaker opens and closes, and who shares it;
//! - `rate`: how often an attempt may begin;
//! - `restraints`: breaker and rate limit of one subscriber, together.

mod breaker;
mod breakers;
mod gate;
mod rate;
mod restraints;
mod window;

pub use breaker::BreakerState;
pub(crate) use breaker::{Breaker, Ended, Pass};
pub(crate) use breakers::Breakers;
pub(crate) use gate::Gate;
pub(crate) use rate::Bucket;
pub(crate) use restraints::Restraints;
