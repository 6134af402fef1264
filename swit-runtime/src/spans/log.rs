//! `exporter = "log"`: spans as lines of the log, for those without a collector.

use std::time::Duration;

use opentelemetry::trace::{SpanId, Status};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use crate::outcome::escape;

/// Writes each span into the log, at level `info` of the target `swit::spans`.
#[derive(Debug)]
pub(crate) struct Log;

impl SpanExporter for Log {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        for span in &batch {
            log(span);
        }
        Ok(())
    }
}

fn log(span: &SpanData) {
    let took = span.end_time.duration_since(span.start_time).unwrap_or(Duration::ZERO);
    let attributes: Vec<String> =
        span.attributes.iter().map(|attribute| format!("{}={}", attribute.key, attribute.value)).collect();
    let parent = (span.parent_span_id != SpanId::INVALID).then(|| span.parent_span_id.to_string());
    let links: Vec<String> = span.links.iter().map(|link| link.span_context.span_id().to_string()).collect();
    let error = match &span.status {
        Status::Error { description } => Some(description.as_ref()),
        Status::Ok | Status::Unset => None,
    };
    tracing::info!(
        target: "swit::spans",
        trace_id = %span.span_context.trace_id(),
        span_id = %span.span_context.span_id(),
        parent,
        kind = ?span.span_kind,
        ?took,
        error,
        attributes = attributes.join(" "),
        links = links.join(" "),
        "{}", escape(&span.name)
    );
}
