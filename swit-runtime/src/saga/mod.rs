//! Sagas: transactions that take their time, in steps that are undone if a later one fails.
//!
//! ```text
//! start (an event, or code) → row → engine: claim → drive: step, step, … → over
//!                                                    └ rests: a timer, an event, a retry → due → claim
//! ```
//!
//! `sagas` is what users call, `definition` and `step` what generated code says, `engine` runs the sagas of a process, `looking` finds them in the store, `drive` runs one
//! instance, `attempt` one call; `journal` is what is written of it. `states` is for sagas that nobody orchestrates.

mod attempt;
mod calls;
mod counted;
mod definition;
mod drive;
mod engine;
mod error;
mod journal;
mod looking;
mod members;
mod pulse;
mod sagas;
mod states;
mod step;
mod table;

pub use calls::{OutputOf, StartReturn, arrived, earlier, ended, this};
#[cfg(feature = "prometheus")]
pub(crate) use counted::StepCounted;
pub(crate) use definition::Definition;
pub(crate) use engine::Engine;
pub use error::SagaError;
pub use journal::Cause;
pub(crate) use journal::{Done, Failed, Journal, Opening, moment, read};
pub use sagas::{Arrived, SagaStatus, Sagas, Started};
pub use states::{Choreographed, States, Versioned};
pub use step::{IdempotencyKey, OfOutput, SagaKey, StepReturn, Undoing, event, input, output, own_output, written};
