//! The layer that makes `tracing` spans part of the traces of this process's service.

use std::{
    borrow::Cow,
    sync::{LazyLock, PoisonError, RwLock},
};

use opentelemetry::{
    Context,
    trace::{SpanBuilder, Tracer, TracerProvider as _},
};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span};
use tracing::{Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::{
    Layer as _,
    filter::{FilterFn, Filtered},
    registry::LookupSpan,
};

/// Whoever makes spans now: the service that started last.
static CURRENT: RwLock<Option<SdkTracer>> = RwLock::new(None);

/// Makes none.
static NOBODY: LazyLock<SdkTracer> =
    LazyLock::new(|| SdkTracerProvider::builder().with_sampler(Sampler::AlwaysOff).build().tracer("swit"));

/// From now on spans are made by this.
pub(crate) fn bind(tracer: SdkTracer) {
    *CURRENT.write().unwrap_or_else(PoisonError::into_inner) = Some(tracer);
}

/// Hands on to whoever makes spans now: the layer stands before the service does.
#[derive(Debug, Clone)]
pub struct Current(());

impl Tracer for Current {
    type Span = Span;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let current = CURRENT.read().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().unwrap_or(&NOBODY).build_with_context(builder, parent)
    }

    fn start<T: Into<Cow<'static, str>>>(&self, name: T) -> Span {
        Context::map_current(|cx| self.build_with_context(SpanBuilder::from_name(name), cx))
    }
}

/// The type of [`layer`].
pub type Layer<S> = Filtered<OpenTelemetryLayer<S, Current>, FilterFn, S>;

/// Crates by which spans go to a collector. Their own would be exported, too, which would make more of them, without an end.
const CARRIERS: [&str; 8] =
    ["h2", "hyper", "hyper_rustls", "hyper_util", "opentelemetry_otlp", "rustls", "tonic", "tower"];

/// Whether a span is none of those that exporting makes.
fn is_not_of_a_carrier(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    !CARRIERS.contains(&target.split_once("::").map_or(target, |(package, _)| package))
}

/// The layer that exports `tracing` spans beside swit's own: what a handler opens becomes a child of its attempt's span, and
/// what it publishes within a child of that.
///
/// It may stand before the service is started; until then, and where the service exports no spans, it makes none. Spans of
/// the crates by which spans travel (`h2`, `hyper`, `tonic`, …) are left out: exporting them would make more of them.
///
/// It has a filter of its own, so that it stands on a [`Registry`](tracing_subscriber::Registry) or on layers over one.
///
/// ```ignore
/// tracing_subscriber::registry().with(swit::telemetry::layer()).with(my_own_layer).init();
/// swit::run().await
/// ```
pub fn layer<S>() -> Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer().with_tracer(Current(())).with_filter(FilterFn::new(is_not_of_a_carrier))
}
