//! Spans of what a service does with messages, by OpenTelemetry: the implementation of [`trace`](crate::trace).
//!
//! Names and attributes are those of the [messaging conventions](https://opentelemetry.io/docs/specs/semconv/messaging/).
//!
//! Guarantees:
//! - what is not sampled makes no span: its ids are read, kept and handed on, and spans of the handler's own follow its
//!   decision;
//! - a message that came without a trace is in one that follows from the message itself, so that all attempts at it, in
//!   whichever process, are in the same;
//! - a header that can't be read begins a trace, and never fails a message;
//! - whoever takes spans away can't hold the service up: the queue to it is bounded, and what has no room there is dropped,
//!   counted and said.

mod attributes;
mod bridge;
mod exporter;
mod identity;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod pending;
mod propagation;
mod queue;
mod sampling;
mod tracer;

pub(crate) use attributes::System;
pub(crate) use bridge::bind;
pub use bridge::{Layer, layer};
pub(crate) use exporter::Exporter;
pub(crate) use identity::Ids as IdSource;
pub(crate) use log::Log;
#[cfg(feature = "otlp")]
pub(crate) use otlp::{Collector, Protocol, collector};
pub(crate) use propagation::Propagation;
pub(crate) use queue::{Bounds, Queue};
pub(crate) use sampling::Sampling;
pub(crate) use tracer::Spans;
