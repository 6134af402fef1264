//! Two-phase commit: one transaction over several databases, the outbox and a cache.
//!
//! ```text
//! begin (log) → open all → business function → prepare all → decide (log) → commit all, until all have → forget (log)
//!                 └──────────── any failure: roll back all, until all have ────────────┘
//! ```
//!
//! Guarantees, each with who keeps it:
//! - what was not decided is aborted, what was decided to commit is committed: nothing is rolled back after that decision, and
//!   a decision is written once, whoever decides (`store::Decisions`, `coordinator`);
//! - the business function runs in the participants' open parts before any of them prepares (`coordinator`);
//! - what is not done in time is done by recovery, by this process or another, for as long as it takes (`recovery`);
//! - a rollback that failed is never reported as one that happened (`coordinator`);
//! - a participant that hangs, fails or panics delays its own transaction and no other (`steps`).

mod branches;
mod coordinator;
mod error;
mod messaging;
mod participant;
mod recovery;
mod steps;
mod tally;

pub use branches::Branches;
pub use coordinator::{Coordinator, CoordinatorOptions};
pub use error::{CoordinatorError, NotOpen, Step, TransactionError, TransactionState};
pub use messaging::{MessagingParticipant, Outgoing};
pub use participant::{Open, Opens, TransactionId, TransactionParticipant};
