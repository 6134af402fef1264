//! A handler's own spans are part of its message's trace, whether they are `tracing`'s or OpenTelemetry's. One test to a
//! process: a subscriber and a provider are the process's.
#![expect(clippy::unwrap_used, reason = "a test")]

use opentelemetry::{global, trace::Tracer as _};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SimpleSpanProcessor, SpanData};
use serde::{Deserialize, Serialize};
use swit::{App, Event, Publisher, subscriber, telemetry, testing::TestApp};
use tracing::Instrument as _;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1)]
struct Created {
    order: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.paid", version = 1, unrouted = "ignore")]
struct Paid {
    order: String,
}

#[subscriber(topic = "order.created")]
async fn pays(created: Created, publisher: Publisher) -> Result<(), swit::PublishError> {
    global::tracer("the service").in_span("looks", |_| ());
    let charge = async {
        tokio::task::yield_now().await;
        publisher.publish(&Paid { order: created.order.clone() }).await
    };
    charge.instrument(tracing::info_span!("charges")).await?;
    Ok(())
}

async fn spans(sample: f64) -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let traces = telemetry::Traces::new().processor(SimpleSpanProcessor::new(exporter.clone()));
    let app = App::only::<(pays,)>().service("shop", "1").set("telemetry.sample", sample).traces(traces);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&Created { order: "o-1".into() }).await.unwrap();
    app.wait_quiet().await;
    let spans = exporter.get_finished_spans().unwrap();
    app.shutdown().await.unwrap();
    spans
}

#[tokio::test(start_paused = true)]
async fn a_handlers_own_spans_are_part_of_the_trace() {
    tracing_subscriber::registry().with(telemetry::layer()).init();
    let recorded = spans(1.0).await;
    let one = |name: &str| {
        recorded.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} in {recorded:#?}"))
    };
    let process = one("process shop.pays");
    for (child, parent) in [
        ("process shop.pays", "send order.created"),
        ("looks", "process shop.pays"),
        ("charges", "process shop.pays"),
        ("send order.paid", "charges"),
    ] {
        assert_eq!(one(child).parent_span_id, one(parent).span_context.span_id(), "{child} of {parent}");
        assert_eq!(one(child).span_context.trace_id(), process.span_context.trace_id());
    }
    // What is not sampled is not, whoever asks.
    assert!(spans(0.0).await.is_empty());
}
