//! Traces: names, kinds, attributes and parentage, against an exporter in memory.

mod batches;
mod composites;
mod ended;
mod forwarded;
mod printed;
mod sampled;
mod settled;
mod unsampled;

use opentelemetry::trace::{SpanId, SpanKind};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor, SpanData};
use swit::{App, telemetry::Traces};

/// Spans as they ended.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(InMemorySpanExporter);

impl Seen {
    /// The app, whose spans are seen here.
    pub(crate) fn by(&self, app: App) -> App {
        app.traces(Traces::new().processor(SimpleSpanProcessor::new(self.0.clone())))
    }

    pub(crate) fn all(&self) -> Vec<SpanData> {
        self.0.get_finished_spans().unwrap()
    }

    /// Those of this name, as they ended.
    pub(crate) fn named(&self, name: &str) -> Vec<SpanData> {
        self.all().into_iter().filter(|span| span.name == name).collect()
    }

    /// The only one of this name.
    pub(crate) fn one(&self, name: &str) -> SpanData {
        let mut found = self.named(name);
        let names: Vec<_> = self.all().iter().map(|span| span.name.clone()).collect();
        assert_eq!(found.len(), 1, "{name} in {names:?}");
        found.remove(0)
    }
}

pub(crate) fn attribute(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|known| known.key.as_str() == key).map(|known| known.value.to_string())
}

/// Whether one is the child of the other, in one trace.
#[track_caller]
pub(crate) fn assert_child(child: &SpanData, parent: &SpanData) {
    assert_eq!(child.span_context.trace_id(), parent.span_context.trace_id(), "{} and {}", child.name, parent.name);
    assert_eq!(child.parent_span_id, parent.span_context.span_id(), "{} of {}", child.name, parent.name);
}

pub(crate) fn links(span: &SpanData) -> Vec<SpanId> {
    span.links.iter().map(|link| link.span_context.span_id()).collect()
}

pub(crate) fn assert_kind(span: &SpanData, kind: &SpanKind) {
    assert_eq!(&span.span_kind, kind, "{}", span.name);
}
