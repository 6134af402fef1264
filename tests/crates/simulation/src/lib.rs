//! A world without luck: a service of two processes at most, with inboxes, an outbox and a saga, on one store and one broker, on
//! one thread, in virtual time. A seed chooses all that goes wrong: what the store and the broker answer, and whether they did it;
//! what comes twice, late or in another order; who is suspended, and who dies between any two of its calls.
//!
//! ```text
//! world: seed → weather, orders      process: gate → store, broker, ledger (what outlives it)      check: once the faults are over
//! ```
//!
//! Guarantee: a seed repeats itself, call by call ([`Found::trace`]). What [`run`] finds wrong is therefore found again.

mod breach;
mod broker;
mod chance;
mod check;
mod ledger;
mod orders;
mod process;
mod run;
mod store;
mod trip;
mod weather;
mod work;
mod world;

pub use breach::Breach;
pub use run::{Found, run, run_broken};
