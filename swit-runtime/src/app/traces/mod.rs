//! Traces of a service: what is configured, what a program adds in code, and the exporter's task.

mod given;
mod resolve;
mod running;

pub use given::Traces;
pub(crate) use resolve::{Wanted, resolve};
pub(super) use running::Tracing;
