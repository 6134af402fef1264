//! `[telemetry]`: what a service shows of itself, and how.

use swit_grammar::Fault;
use tracing_subscriber::filter::Targets;

use super::{
    CollectorHeaders, OtlpProtocol, Propagator, Set, SpanExporter,
    keys::{Key, keys},
    read::{Given, put},
};
use crate::text::Text;

/// `[telemetry]`.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct TelemetrySettings {
    /// The form of the log.
    pub log: Option<Set<LogFormat>>,
    /// What is logged, as `RUST_LOG` says it.
    pub level: Option<Set<Text>>,
    /// Whether anything is counted for the metrics page.
    pub metrics: Option<Set<bool>>,
    /// What the names of swit's own series begin with.
    pub prefix: Option<Set<Text>>,
    /// Where spans go.
    pub exporter: Option<Set<SpanExporter>>,
    /// The collector's url.
    pub endpoint: Option<Set<Text>>,
    /// How it is spoken to.
    pub protocol: Option<Set<OtlpProtocol>>,
    /// What the collector wants to be told.
    pub headers: Option<Set<CollectorHeaders>>,
    /// The share of traces that is recorded, of those that begin here.
    pub sample: Option<Set<f64>>,
    /// How traces travel.
    pub propagators: Option<Set<Vec<Propagator>>>,
}

impl TelemetrySettings {
    /// Whether anything is counted for the metrics page.
    #[cfg(feature = "prometheus")]
    pub(in crate::app) fn counts(&self) -> bool {
        self.metrics.as_ref().is_none_or(|set| set.value)
    }

    /// What the names of swit's own series begin with.
    #[cfg(feature = "prometheus")]
    pub(in crate::app) fn prefix(&self) -> &str {
        self.prefix.as_ref().map_or(PREFIX, |set| &set.value)
    }

    /// A key about traces, which are not compiled in: the key, and where it was set. That there is to be none may be said.
    #[cfg(not(feature = "traces"))]
    pub(in crate::app) fn wants_traces(&self) -> Option<(&'static str, String)> {
        fn of<T>(key: &'static str, set: Option<&Set<T>>) -> Option<(&'static str, String)> {
            set.map(|set| (key, set.origin.to_string()))
        }
        of("exporter", self.exporter.as_ref().filter(|set| set.value != SpanExporter::None))
            .or_else(|| of("endpoint", self.endpoint.as_ref()))
            .or_else(|| of("protocol", self.protocol.as_ref()))
            .or_else(|| of("headers", self.headers.as_ref()))
            .or_else(|| of("sample", self.sample.as_ref()))
            .or_else(|| of("propagators", self.propagators.as_ref()))
    }

    /// A key that wants what is not compiled in: the key, and where it was set.
    #[cfg(not(feature = "prometheus"))]
    pub(in crate::app) fn wants_metrics(&self) -> Option<(&'static str, String)> {
        let metrics = self.metrics.as_ref().filter(|set| set.value).map(|set| ("metrics", set.origin.to_string()));
        metrics.or_else(|| self.prefix.as_ref().map(|set| ("prefix", set.origin.to_string())))
    }
}

/// What the names of swit's own series begin with, where nothing else is said.
#[cfg(feature = "prometheus")]
const PREFIX: &str = "swit_messaging_";

keys! {
    /// `[telemetry]`.
    TELEMETRY of TelemetrySettings:
    log by log_format, "\"auto\", \"human\", \"json\" or \"off\"";
    level by level, "a level (\"error\", \"warn\", \"info\", \"debug\", \"trace\", \"off\"), or levels by target, such as \"info,swit_runtime=debug\"";
    metrics by boolean, "`true` or `false`";
    prefix by prefix, "the beginning of names: letters, digits and `_`, not first a digit, at most 40, such as \"shop_messaging_\"";
    exporter by span_exporter, "\"otlp\", \"log\" or \"none\"";
    endpoint by endpoint, "the url of a collector, such as \"http://localhost:4317\"";
    protocol by otlp_protocol, "\"grpc\" or \"http\"";
    headers by collector_headers, "names and values, such as \"x-tenant=shop, authorization=Bearer …\"";
    sample by ratio, "a share from 0 to 1";
    propagators by propagators, "a list of \"tracecontext\" and \"baggage\"";
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogFormat {
    /// Human on a terminal, else JSON.
    #[default]
    Auto,
    /// A line a person reads.
    Human,
    /// A JSON object a line.
    Json,
    /// None.
    Off,
}

impl Given<'_> {
    fn prefix(&self) -> Result<Text, Fault> {
        let text = self.text()?;
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = text.bytes().all(is_allowed) && text.bytes().next().is_some_and(|first| !first.is_ascii_digit());
        if !is_name || text.len() > 40 {
            return Err(Fault::new(format!("`{}` can't begin a metric's name", text.escape_debug()), ""));
        }
        Ok(text.into())
    }

    fn log_format(&self) -> Result<LogFormat, Fault> {
        let text = self.text()?.trim();
        match text {
            "auto" => Ok(LogFormat::Auto),
            "human" => Ok(LogFormat::Human),
            "json" => Ok(LogFormat::Json),
            "off" => Ok(LogFormat::Off),
            _ => Err(Fault::new(format!("`{}` is not a form of the log", text.escape_debug()), "")),
        }
    }

    fn level(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        match levels(text) {
            Some(_) => Ok(text.into()),
            None => Err(Fault::new(format!("`{}` says no levels", text.escape_debug()), "")),
        }
    }
}

/// The levels of the log, and that of nothing.
pub(in crate::app) const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Levels by target, as `RUST_LOG` has them; `None`: it says none.
///
/// A word that stands alone has to be a level: a target that stands alone would mean all of it and nothing else, which is
/// what a mistyped level would then be.
pub(in crate::app) fn levels(text: &str) -> Option<Targets> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word.trim()));
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    if parts().next().is_none() || parts().any(|part| !is_level(part.rsplit('=').next().unwrap_or_default())) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Layers};
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        for (key, said) in [
            ("log = 'xml'", "`telemetry.log`: `xml` is not a form of the log; write \"auto\""),
            ("level = 'inof'", "`telemetry.level`: `inof` says no levels; write a level"),
            ("level = 'swit_runtime=loud'", "says no levels"),
            ("prefix = '9_'", "`telemetry.prefix`: `9_` can't begin a metric's name; write the beginning"),
            ("prefix = ''", "can't begin a metric's name"),
            ("prefix = 'a-b'", "can't begin a metric's name"),
            ("metrics = 'perhaps'", "`telemetry.metrics`: "),
            ("level = ''", "says no levels"),
            ("leval = 'info'", "there is no key `leval`; did you mean `level`?"),
        ] {
            let (_, faults) = Layers::none().text("swit.toml", format!("[telemetry]\n{key}")).read(&Known::default());
            let faults: Vec<_> = faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect();
            assert!(faults.len() == 1 && faults[0].contains(said), "{key}: {faults:?}");
        }
        let text = "[telemetry]\nlog = 'json'\nlevel = 'info,swit_runtime=debug'";
        let (settings, faults) = Layers::none().text("swit.toml", text).read(&Known::default());
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(settings.telemetry.log.map(|set| set.value), Some(LogFormat::Json));
        assert_eq!(settings.telemetry.level.map(|set| set.value), Some("info,swit_runtime=debug".into()));
    }
}
