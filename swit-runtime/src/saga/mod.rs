//! Sagas.

mod calls;
mod step;

pub use calls::{OutputOf, StartReturn, arrived, earlier};
pub use step::{IdempotencyKey, OfOutput, SagaKey, StepReturn, event, input, output, own_output, written};
