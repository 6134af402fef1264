//! From delivery to verdict: what one worker does with one message, and what becomes of it.
//!
//! ```text
//! dead letter ∘ retry ∘ (timeout, panic guard) ∘ user middleware ∘ decode ∘ handler
//! ```
//!
//! Guarantees, each with its owner:
//! - a delivery is settled only after its handler succeeded and what it returned was confirmed, or after its copy in
//!   the dead-letter or delay queue was confirmed, or when it was discarded on purpose (`conclude`);
//! - `retries = 3` is four attempts, however they are spread over processes and queues (`policy`, the attempt header);
//! - a panic or a timeout ends an attempt, never a worker (`guard`).

mod admission;
mod asking;
mod batch;
mod conclude;
mod confirmed;
mod copied;
mod copies;
mod counters;
mod current;
mod guard;
mod inbox;
mod manual;
mod parking;
mod plan;
mod policy;
mod worker;

pub use batch::start_batch;
pub(crate) use conclude::{ended, publish_all};
#[cfg(feature = "prometheus")]
pub(crate) use copied::Copied;
pub(crate) use copied::Copies;
pub(crate) use copies::{replayed, rfc3339};
pub(crate) use counters::Counters;
pub use counters::Counts;
pub(crate) use current::{Current, current};

pub use crate::metrics::Histogram;
pub(crate) use guard::{Guard, panic_text, panicked};
pub(crate) use inbox::{Inbox, claim};
pub use manual::{Ack, SettleError};
pub(crate) use parking::Parking;
pub(crate) use plan::Plan;
pub(crate) use policy::RetryPolicy;
pub(crate) use worker::{Source, give_back};
pub use worker::{Worker, start};
