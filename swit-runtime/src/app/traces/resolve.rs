//! What is wanted of traces: the configuration, else the standard `OTEL_…` variables.
//!
//! A variable that says nothing sensible is warned of and left out, as their specification has it; a key of the
//! configuration that does is a fault.

use std::{fmt::Display, str::FromStr, time::Duration};

use crate::{
    app::{
        builder::App,
        config::{Layers, OtlpProtocol, Propagator, Set, Settings, SpanExporter},
        graph::Faults,
    },
    spans::{Bounds, Sampling},
    text::Text,
};

/// Where a collector takes spans by HTTP.
const PATH: &str = "/v1/traces";
/// How long one export may take, if nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What is wanted of traces.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(super) exporter: SpanExporter,
    #[cfg_attr(all(not(feature = "otlp"), not(test)), expect(dead_code, reason = "there is no collector"))]
    pub(super) collector: Wish,
    pub(super) sampling: Sampling,
    pub(super) propagators: Vec<Propagator>,
    pub(super) bounds: Bounds,
    /// The service's name, where nothing else than the binary's package names it.
    pub(super) service: Option<Text>,
    pub(super) resource: Vec<(String, String)>,
    /// How many links a span has at most is said elsewhere (`OTEL_SPAN_LINK_COUNT_LIMIT`).
    pub(super) links_limited: bool,
    pub(super) warnings: Vec<String>,
}

/// The collector that is wanted.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "otlp"), expect(dead_code, reason = "there is no collector"))]
pub(super) struct Wish {
    pub(super) protocol: OtlpProtocol,
    /// With its path, for HTTP.
    pub(super) endpoint: String,
    /// `None`: what the standard variables say, which the exporter reads.
    pub(super) headers: Option<crate::app::config::CollectorHeaders>,
    pub(super) timeout: Duration,
}

/// What is wanted. `None`: nothing.
pub(crate) fn resolve(app: &App, settings: &Settings, faults: &mut Faults) -> Option<Wanted> {
    let telemetry = &settings.telemetry;
    let mut variables = Variables { layers: &app.layers, warnings: Vec::new() };
    let given = app.traces.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let given = given.as_ref();
    let exporter = exporter(telemetry.exporter.as_ref(), &mut variables);
    if exporter == SpanExporter::Otlp && !cfg!(feature = "otlp") {
        let place =
            telemetry.exporter.as_ref().map_or_else(|| "OTEL_TRACES_EXPORTER".to_owned(), |set| set.origin.to_string());
        faults.add(
            place,
            "spans are to go to a collector, which is not compiled in",
            "build with the feature `otlp`, or set `telemetry.exporter` to \"log\" or \"none\"",
        );
    }
    if exporter == SpanExporter::None && !given.is_some_and(super::Traces::takes_spans) {
        return None;
    }
    let sampling = sampling(telemetry.sample.as_ref(), &mut variables);
    let propagators = propagators(telemetry.propagators.as_ref(), &mut variables);
    let named = settings.service.name.is_some() || app.service.is_some();
    let service = (!named).then(|| variables.text("OTEL_SERVICE_NAME").map(Text::from)).flatten();
    let defaults = Bounds::default();
    let bounds = Bounds {
        queue: variables.read("OTEL_BSP_MAX_QUEUE_SIZE").unwrap_or(defaults.queue),
        batch: variables.read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE").unwrap_or(defaults.batch).max(1),
        every: variables.read("OTEL_BSP_SCHEDULE_DELAY").map_or(defaults.every, Duration::from_millis),
        timeout: variables.read("OTEL_BSP_EXPORT_TIMEOUT").map_or(defaults.timeout, Duration::from_millis),
    };
    Some(Wanted {
        exporter,
        collector: collector(settings, &mut variables),
        sampling,
        propagators,
        bounds,
        service,
        links_limited: variables.text("OTEL_SPAN_LINK_COUNT_LIMIT").is_some(),
        resource: attributes(variables.text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()),
        warnings: variables.warnings,
    })
}

fn exporter(set: Option<&Set<SpanExporter>>, variables: &mut Variables<'_>) -> SpanExporter {
    if let Some(set) = set {
        return set.value;
    }
    if variables.text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
        return SpanExporter::None;
    }
    match variables.text("OTEL_TRACES_EXPORTER") {
        Some("otlp") => SpanExporter::Otlp,
        Some("console" | "logging") => SpanExporter::Log,
        None | Some("none") => SpanExporter::None,
        Some(_) => {
            variables.ignored("OTEL_TRACES_EXPORTER", "it is none of `otlp`, `console` and `none`");
            SpanExporter::None
        }
    }
}

fn collector(settings: &Settings, variables: &mut Variables<'_>) -> Wish {
    let telemetry = &settings.telemetry;
    let protocol = match &telemetry.protocol {
        Some(set) => set.value,
        None => protocol(variables),
    };
    let endpoint = match &telemetry.endpoint {
        Some(set) => if_bare(&set.value, protocol),
        None => endpoint(protocol, variables),
    };
    let millis = |variables: &mut Variables<'_>, name| variables.read(name).map(Duration::from_millis);
    let timeout = millis(variables, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT")
        .or_else(|| millis(variables, "OTEL_EXPORTER_OTLP_TIMEOUT"))
        .unwrap_or(TIMEOUT);
    Wish { protocol, endpoint, headers: telemetry.headers.as_ref().map(|set| set.value.clone()), timeout }
}

fn protocol(variables: &mut Variables<'_>) -> OtlpProtocol {
    let said = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"]
        .into_iter()
        .find_map(|name| Some((name, variables.text(name)?)));
    match said {
        Some((_, "http/protobuf")) => OtlpProtocol::Http,
        None | Some((_, "grpc")) => OtlpProtocol::Grpc,
        Some((name, _)) => {
            variables.ignored(name, "it is neither `grpc` nor `http/protobuf`");
            OtlpProtocol::Grpc
        }
    }
}

/// The collector that the variables name, else that of this host.
fn endpoint(protocol: OtlpProtocol, variables: &mut Variables<'_>) -> String {
    // The one of traces alone is what it is; of the one for all signals this is a part.
    if let Some(url) = variables.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", protocol) {
        return url;
    }
    let url = variables.url("OTEL_EXPORTER_OTLP_ENDPOINT", protocol);
    match protocol {
        OtlpProtocol::Grpc => url.unwrap_or_else(|| "http://localhost:4317".to_owned()),
        OtlpProtocol::Http => {
            let url = url.unwrap_or_else(|| "http://localhost:4318".to_owned());
            url.trim_end_matches('/').to_owned() + PATH
        }
    }
}

/// A url, by HTTP, that has no path is that of the collector as a whole.
fn if_bare(url: &str, protocol: OtlpProtocol) -> String {
    let rest = url.find("://").map_or(0, |at| at + 3);
    let (host, path) = url.split_at(rest + url[rest..].find(['/', '?', '#']).unwrap_or(url.len() - rest));
    let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    match (protocol, path) {
        (OtlpProtocol::Http, "" | "/") => [host, PATH, query].concat(),
        _ => url.to_owned(),
    }
}

fn sampling(set: Option<&Set<f64>>, variables: &mut Variables<'_>) -> Sampling {
    if let Some(set) = set {
        return Sampling::ratio(set.value, true);
    }
    let mut ratio = variables.read("OTEL_TRACES_SAMPLER_ARG").unwrap_or(1.0);
    if !(0.0..=1.0).contains(&ratio) {
        variables.ignored("OTEL_TRACES_SAMPLER_ARG", "it is not between 0 and 1");
        ratio = 1.0;
    }
    match variables.text("OTEL_TRACES_SAMPLER") {
        None | Some("parentbased_always_on") => Sampling::ratio(1.0, true),
        Some("parentbased_always_off") => Sampling::ratio(0.0, true),
        Some("parentbased_traceidratio") => Sampling::ratio(ratio, true),
        Some("always_on") => Sampling::ratio(1.0, false),
        Some("always_off") => Sampling::ratio(0.0, false),
        Some("traceidratio") => Sampling::ratio(ratio, false),
        Some(_) => {
            variables.ignored("OTEL_TRACES_SAMPLER", "there is no such sampler here");
            Sampling::ratio(1.0, true)
        }
    }
}

fn propagators(set: Option<&Set<Vec<Propagator>>>, variables: &mut Variables<'_>) -> Vec<Propagator> {
    let all = vec![Propagator::TraceContext, Propagator::Baggage];
    if let Some(set) = set {
        return set.value.clone();
    }
    let Some(text) = variables.text("OTEL_PROPAGATORS") else { return all };
    let mut found = Vec::new();
    for word in text.split(',').map(str::trim) {
        match word {
            "tracecontext" => found.push(Propagator::TraceContext),
            "baggage" => found.push(Propagator::Baggage),
            "none" => {}
            _ => variables.ignored("OTEL_PROPAGATORS", "it names others than `tracecontext` and `baggage`"),
        }
    }
    found
}

/// `name=value`, several with commas between; what is none is left out.
fn attributes(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    pairs.filter(|(name, _)| !name.is_empty()).collect()
}

struct Variables<'a> {
    layers: &'a Layers,
    warnings: Vec<String>,
}

impl<'a> Variables<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.layers.variable(name)
    }

    fn read<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: Display,
    {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.ignored(name, &error.to_string());
                None
            }
        }
    }

    /// The url of a collector. One without a scheme is spoken to by TLS, unless that is said to be not wanted.
    fn url(&mut self, name: &str, protocol: OtlpProtocol) -> Option<String> {
        let text = self.text(name)?;
        if text.contains("://") {
            return Some(text.to_owned());
        }
        if protocol == OtlpProtocol::Http {
            self.ignored(name, "it is no url: it begins with neither `http://` nor `https://`");
            return None;
        }
        let insecure = self.text("OTEL_EXPORTER_OTLP_TRACES_INSECURE").or(self.text("OTEL_EXPORTER_OTLP_INSECURE"));
        let scheme = if insecure.is_some_and(|text| text.eq_ignore_ascii_case("true")) { "http" } else { "https" };
        Some(format!("{scheme}://{text}"))
    }

    fn ignored(&mut self, name: &str, why: &str) {
        self.warnings.push(format!("the variable `{name}` is left out: {why}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(toml: &str, variables: &[(&str, &str)]) -> (Option<Wanted>, Vec<String>) {
        let mut app = App::only::<()>();
        app.layers = Layers::none().text("swit.toml", toml).environment(variables.iter().copied());
        let (settings, faults) = app.layers.read(&crate::app::config::Known::default());
        assert_eq!(faults, []);
        let mut faults = Faults::default();
        let wanted = resolve(&app, &settings, &mut faults);
        (wanted, faults.into_list().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn nothing_is_made_unless_somebody_asks() {
        for variables in [
            &[][..],
            &[("OTEL_TRACES_SAMPLER", "always_on"), ("OTEL_SERVICE_NAME", "shop")],
            &[("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert!(resolved("", variables).0.is_none(), "{variables:?}");
        }
    }

    #[test]
    fn variables_say_what_the_configuration_leaves_out() {
        let variables = [
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_PROPAGATORS", "tracecontext"),
            ("OTEL_SERVICE_NAME", "shop"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test, team = orders,nonsense"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ];
        let wanted = resolved("", &variables).0.unwrap();
        assert_eq!((wanted.exporter, wanted.sampling), (SpanExporter::Log, Sampling::ratio(0.25, true)));
        assert_eq!(wanted.propagators, [Propagator::TraceContext]);
        assert_eq!(wanted.service.as_deref(), Some("shop"));
        assert_eq!(wanted.bounds.every, Duration::from_millis(100));
        assert_eq!(wanted.collector.protocol, OtlpProtocol::Http);
        assert_eq!(wanted.collector.endpoint, "http://collector:4318/v1/traces");
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(wanted.resource, [pair("deployment.environment.name", "test"), pair("team", "orders")]);
        assert_eq!(wanted.warnings, Vec::<String>::new());

        let toml = "[service]\nname = 'orders'\n[telemetry]\nexporter = 'log'\nsample = 0.5\npropagators = ['baggage']\n\
                    endpoint = 'https://other:4317'\nprotocol = 'grpc'";
        let wanted = resolved(toml, &[&variables[..], &[("OTEL_SDK_DISABLED", "true")]].concat()).0.unwrap();
        assert_eq!((wanted.exporter, wanted.sampling), (SpanExporter::Log, Sampling::ratio(0.5, true)));
        assert_eq!(wanted.propagators, [Propagator::Baggage]);
        assert_eq!((wanted.service, wanted.collector.protocol), (None, OtlpProtocol::Grpc));
        assert_eq!(wanted.collector.endpoint, "https://other:4317");
        assert!(resolved("", &[&variables[..], &[("OTEL_SDK_DISABLED", "true")]].concat()).0.is_none());
    }

    #[test]
    fn a_variable_that_says_nothing_sensible_is_warned_of() {
        let variables = [
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_PROPAGATORS", "b3,tracecontext"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ];
        let wanted = resolved("", &variables).0.unwrap();
        assert_eq!(wanted.warnings.len(), 6, "{:?}", wanted.warnings);
        assert_eq!((wanted.sampling, wanted.propagators.len()), (Sampling::ratio(1.0, true), 1));
        assert_eq!(wanted.bounds.queue, Bounds::default().queue);
    }

    type Variables<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn a_collector_is_found_by_all_its_variables() {
        let (traces, all) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
        let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        let cases: [(&str, Variables<'_>, &str); 13] = [
            ("", &[], "http://localhost:4317"),
            ("", &[http], "http://localhost:4318/v1/traces"),
            ("", &[http, (all, "https://c:4318/otlp/")], "https://c:4318/otlp/v1/traces"),
            ("", &[http, (all, "https://c:4318"), (traces, "https://d:1/x")], "https://d:1/x"),
            ("", &[http, (traces, "https://d:1")], "https://d:1"),
            // Nothing that could be spoken to.
            ("", &[http, (all, "c:4318")], "http://localhost:4318/v1/traces"),
            ("", &[(all, "c:4317")], "https://c:4317"),
            ("", &[(all, "c:4317"), ("OTEL_EXPORTER_OTLP_INSECURE", "True")], "http://c:4317"),
            ("endpoint = 'http://c:4318'", &[http, (traces, "http://d:1")], "http://c:4318/v1/traces"),
            ("endpoint = 'http://c:4318/'", &[http], "http://c:4318/v1/traces"),
            ("endpoint = 'http://c:4318?x=1'", &[http], "http://c:4318/v1/traces?x=1"),
            ("endpoint = 'http://c/otlp/v1/traces'", &[http], "http://c/otlp/v1/traces"),
            ("endpoint = 'http://c:4317'", &[], "http://c:4317"),
        ];
        for (toml, variables, endpoint) in cases {
            let toml = format!("[telemetry]\nexporter = 'log'\n{toml}");
            assert_eq!(resolved(&toml, variables).0.unwrap().collector.endpoint, endpoint, "{toml} {variables:?}");
        }
        let timeout = |variables: &[(&str, &str)]| {
            resolved("[telemetry]\nexporter = 'log'", variables).0.unwrap().collector.timeout
        };
        assert_eq!(timeout(&[]), TIMEOUT);
        let (all, traces) = (("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"), ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "20000"));
        assert_eq!(timeout(&[all]), Duration::from_mins(1));
        assert_eq!(timeout(&[all, traces]), Duration::from_secs(20));
    }

    #[test]
    fn a_collector_needs_its_feature() {
        let faults = resolved("", &[("OTEL_TRACES_EXPORTER", "otlp")]).1;
        assert_eq!(faults.is_empty(), cfg!(feature = "otlp"), "{faults:?}");
        assert!(faults.iter().all(|fault| fault.contains("build with the feature `otlp`")));
    }
}
