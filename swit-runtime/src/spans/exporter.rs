//! Where spans go, whatever kind it is.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use crate::transport::BoxFuture;

/// An exporter of any type.
pub(crate) struct Exporter(Box<dyn Erased>);

trait Erased: Send + Sync + fmt::Debug {
    fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult>;
    fn set_resource(&mut self, resource: &Resource);
    fn shutdown(&self);
}

impl<E: SpanExporter> Erased for E {
    fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult> {
        Box::pin(SpanExporter::export(self, batch))
    }

    fn set_resource(&mut self, resource: &Resource) {
        SpanExporter::set_resource(self, resource);
    }

    fn shutdown(&self) {
        // It has nothing left to send; what it says of that helps nobody.
        let _ = catch_unwind(AssertUnwindSafe(|| SpanExporter::shutdown(self)));
    }
}

impl Exporter {
    pub(crate) fn new(exporter: impl SpanExporter + 'static) -> Self {
        Self(Box::new(exporter))
    }

    pub(crate) fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }

    pub(super) fn export(&self, batch: Vec<SpanData>) -> BoxFuture<'_, OTelSdkResult> {
        self.0.export(batch)
    }

    pub(super) fn shutdown(&self) {
        self.0.shutdown();
    }
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An exporter may hold secrets and show them.
        f.write_str("Exporter")
    }
}
