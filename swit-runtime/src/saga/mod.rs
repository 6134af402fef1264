//! Sagas.

mod step;

pub use step::{IdempotencyKey, OfOutput, SagaKey, StepReturn, event, input, output, own_output, written};
