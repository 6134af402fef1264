//! What makes and exports the spans of a running service.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use opentelemetry::{
    KeyValue, global,
    propagation::{TextMapCompositePropagator, TextMapPropagator},
    trace::TracerProvider as _,
};
use opentelemetry_sdk::{
    Resource,
    propagation::{BaggagePropagator, TraceContextPropagator},
    resource::TelemetryResourceDetector,
    trace::SdkTracerProvider,
};
use tokio::{task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{Traces, Wanted};
use crate::{
    app::config::{Propagator, SpanExporter},
    error::{Result, StartupFault, StartupReport},
    scope::{Scope, Service},
    spans::{self, Exporter, IdSource, Log, Propagation, Queue, Spans, System},
    text::Text,
    transport::Transport,
};

/// What is left for the last spans, at the least, when the drain has used all of its time.
const GRACE: Duration = Duration::from_millis(250);

/// The spans of a running service. Dropped, it exports nothing more.
#[derive(Debug)]
pub(in crate::app) struct Tracing {
    provider: SdkTracerProvider,
    ending: CancellationToken,
    deadline: Arc<OnceLock<Instant>>,
    task: Option<JoinHandle<()>>,
}

impl Tracing {
    /// Begins to trace: from now on the scope has whoever makes spans.
    ///
    /// # Errors
    /// The exporter can't be made of what is configured.
    pub(in crate::app) fn start(
        wanted: &Wanted,
        given: Option<Traces>,
        service: &Service,
        transports: &[Arc<dyn Transport>],
        scope: &mut Scope,
    ) -> Result<Self> {
        for warning in &wanted.warnings {
            tracing::warn!("{warning}");
        }
        let Traces { exporter, processors, propagators: own } = given.unwrap_or_default();
        let exporter = match exporter {
            Some(exporter) => Some(exporter),
            None => configured(wanted)?,
        };
        let resource = resource(wanted, service);
        let mut builder = SdkTracerProvider::builder()
            .with_sampler(wanted.sampling.sampler())
            .with_id_generator(IdSource::default())
            .with_resource(resource.clone());
        if !wanted.links_limited {
            // A batch is linked to each of its messages, of which it has no more than its subscriber says.
            builder = builder.with_max_links_per_span(u32::MAX);
        }
        let (ending, deadline) = (CancellationToken::new(), Arc::new(OnceLock::new()));
        let mut task = None;
        if let Some(mut exporter) = exporter {
            exporter.set_resource(&resource);
            let (queue, export) = Queue::new(exporter, wanted.bounds);
            builder = builder.with_span_processor(queue);
            task = Some(tokio::spawn(export.run(ending.clone(), deadline.clone())));
        }
        for process in processors {
            builder = process(builder);
        }
        let provider = builder.build();
        let tracer = provider.tracer("swit");
        spans::bind(tracer.clone());
        global::set_tracer_provider(provider.clone());
        let plain = own.is_empty() && wanted.propagators.contains(&Propagator::TraceContext);
        let mut propagators = standard(&wanted.propagators);
        propagators.extend(own);
        if plain {
            // What a program sends by other ways than messages; others of its own it sets itself.
            global::set_text_map_propagator(TextMapCompositePropagator::new(standard(&wanted.propagators)));
        }
        let systems: HashMap<Text, System> =
            transports.iter().map(|transport| (Text::from(transport.name()), System::of(&**transport))).collect();
        let propagation = Propagation::new(propagators, plain);
        scope.set_trace(Arc::new(Spans::new(tracer, wanted.sampling, propagation, systems)));
        Ok(Self { provider, ending, deadline, task })
    }

    /// Exports what is left, until the deadline.
    pub(in crate::app) async fn close(mut self, deadline: Instant) {
        let end = deadline.max(Instant::now() + GRACE);
        let _ = self.deadline.set(end);
        self.ending.cancel();
        // It keeps the deadline by itself, unless an exporter blocks its thread; then it is left behind. A panic of one is said
        // by the runtime.
        if let Some(task) = self.task.take() {
            let _ = tokio::time::timeout_at(end + GRACE, task).await;
        }
        // Processors that were given in code; swit's own has nothing left.
        let provider = self.provider.clone();
        let left = deadline.saturating_duration_since(Instant::now()).max(GRACE);
        let shutdown = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(left));
        let _ = tokio::time::timeout(left + GRACE, shutdown).await;
    }
}

impl Drop for Tracing {
    fn drop(&mut self) {
        let _ = self.deadline.set(Instant::now());
        self.ending.cancel();
    }
}

fn standard(propagators: &[Propagator]) -> Vec<Box<dyn TextMapPropagator + Send + Sync>> {
    let make = |propagator: &Propagator| -> Box<dyn TextMapPropagator + Send + Sync> {
        match propagator {
            Propagator::TraceContext => Box::new(TraceContextPropagator::new()),
            Propagator::Baggage => Box::new(BaggagePropagator::new()),
        }
    };
    propagators.iter().map(make).collect()
}

fn resource(wanted: &Wanted, service: &Service) -> Resource {
    let name = wanted.service.as_ref().unwrap_or(&service.name);
    let mut own = vec![
        KeyValue::new("service.name", name.to_string()),
        KeyValue::new("service.version", service.version.to_string()),
        KeyValue::new("service.instance.id", service.instance.to_string()),
    ];
    let further = wanted.resource.iter().filter(|(key, _)| !own.iter().any(|known| known.key.as_str() == key));
    let further: Vec<_> = further.map(|(key, value)| KeyValue::new(key.clone(), value.clone())).collect();
    own.extend(further);
    Resource::builder_empty().with_detector(Box::new(TelemetryResourceDetector)).with_attributes(own).build()
}

/// The exporter that is configured.
fn configured(wanted: &Wanted) -> Result<Option<Exporter>> {
    match wanted.exporter {
        SpanExporter::None => Ok(None),
        SpanExporter::Log => Ok(Some(Exporter::new(Log))),
        SpanExporter::Otlp => collector(wanted).map(Some),
    }
}

#[cfg(feature = "otlp")]
fn collector(wanted: &Wanted) -> Result<Exporter> {
    let wish = &wanted.collector;
    let collector = spans::Collector {
        protocol: match wish.protocol {
            crate::app::config::OtlpProtocol::Grpc => spans::Protocol::Grpc,
            crate::app::config::OtlpProtocol::Http => spans::Protocol::Http,
        },
        endpoint: wish.endpoint.clone(),
        headers: wish
            .headers
            .as_ref()
            .map(|headers| headers.expose().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()),
        timeout: wish.timeout,
    };
    spans::collector(collector).map_err(|error| {
        refused(format!("there can be no exporter to a collector: {}", crate::outcome::one_line(&*error)))
    })
}

/// The graph check refuses this.
#[cfg(not(feature = "otlp"))]
fn collector(_: &Wanted) -> Result<Exporter> {
    Err(refused("there can be no exporter to a collector without the feature `otlp`".to_owned()))
}

fn refused(message: String) -> crate::error::Error {
    let help = "look at `telemetry.endpoint` and `telemetry.headers`, and at the variables `OTEL_EXPORTER_OTLP_…`";
    StartupReport { faults: vec![StartupFault::new("", message, help)] }.into()
}
