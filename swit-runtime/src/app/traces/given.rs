//! What a program says of its traces in code.

use std::fmt;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::trace::{SpanExporter, SpanProcessor, TracerProviderBuilder};

use crate::spans::Exporter;

/// Where an app's spans go, said in code: beside what the configuration says, or without it.
///
/// ```ignore
/// App::new().traces(Traces::new().exporter(MyExporter::new())).run().await
/// ```
#[derive(Default)]
#[must_use = "it says nothing before an app is given it"]
pub struct Traces {
    pub(super) exporter: Option<Exporter>,
    pub(super) processors: Vec<Process>,
    pub(super) propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>>,
}

pub(super) type Process = Box<dyn FnOnce(TracerProviderBuilder) -> TracerProviderBuilder + Send + Sync>;

impl Traces {
    /// What is configured, and nothing more.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this exporter in the place of the configured one. Spans wait for it in a bounded queue, and it is given what is
    /// left as the service ends.
    pub fn exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.exporter = Some(Exporter::new(exporter));
        self
    }

    /// With this processor as well, which is told of each span as it begins and ends. It must not block.
    pub fn processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.processors.push(Box::new(|builder| builder.with_span_processor(processor)));
        self
    }

    /// With this propagator, beside those that are configured.
    pub fn propagator(mut self, propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        self.propagators.push(Box::new(propagator));
        self
    }

    /// Whether spans go anywhere by this.
    pub(super) fn takes_spans(&self) -> bool {
        self.exporter.is_some() || !self.processors.is_empty()
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces")
            .field("exporter", &self.exporter.is_some())
            .field("processors", &self.processors.len())
            .field("propagators", &self.propagators.len())
            .finish()
    }
}
