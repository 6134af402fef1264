//! The port to a database: what a store owes, so that effects happen once.
//!
//! An attempt of a subscriber with an inbox runs in one [`Work`]: its claim, what its handler writes and what it publishes
//! are committed together, or not at all. What was published lies in the outbox then, and a relay brings it to the broker.
//! Stores are adapters (`stores`); everything here works with any of them.

mod database;
mod decision;
mod error;
mod lease;
mod migrations;
mod outbox;
mod port;
mod saga;
mod sql;
mod turn;
mod tx;

pub use database::Database;
pub use decision::{Decision, Decisions, Enrolled, Entry, Recovered};
pub(crate) use decision::{Recoveries, Recovers, Tallied};
pub use error::StoreError;
pub(crate) use lease::{Fate, Joined, Lease};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(crate) use migrations::Migration;
pub use migrations::Migrations;
pub(crate) use outbox::PARTITIONS;
pub use outbox::{Depth, Enlisted, Look, Parked, Partition, Stored};
pub use port::{Claim, Outbox, Store, Work};
pub(crate) use saga::AT_ONCE;
pub use saga::{Delivered, Instance, SagaCount, SagaFilter, SagaState, SagaWish, SagaWork, Sagas, Saved};
pub use sql::{Row, Statement, Value, ValueError};
pub use turn::Turn;
pub use tx::{Transaction, Tx};
