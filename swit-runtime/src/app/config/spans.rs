//! The keys of `[telemetry]` that are about traces, as values.

use std::fmt;

use swit_grammar::Fault;

use super::read::Given;
use crate::text::Text;

/// Where spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanExporter {
    /// To a collector.
    Otlp,
    /// Into the log.
    Log,
    /// Nowhere: none is made, and traces of others go through.
    None,
}

/// How a collector is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtlpProtocol {
    /// gRPC.
    Grpc,
    /// HTTP with protobuf bodies.
    Http,
}

/// How traces travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Propagator {
    /// W3C trace context.
    TraceContext,
    /// W3C baggage.
    Baggage,
}

/// What a collector wants to be told, by name. It may hold secrets, and shows names alone.
#[derive(Clone, PartialEq, Eq)]
pub struct CollectorHeaders(Vec<(Text, Text)>);

impl CollectorHeaders {
    /// Names and values: for the client that sends them, never for a log.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

impl fmt::Debug for CollectorHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, _)| (name, "***"))).finish()
    }
}

impl Given<'_> {
    pub(super) fn span_exporter(&self) -> Result<SpanExporter, Fault> {
        match self.text()?.trim() {
            "otlp" => Ok(SpanExporter::Otlp),
            "log" => Ok(SpanExporter::Log),
            "none" => Ok(SpanExporter::None),
            other => Err(Fault::new(format!("`{}` is no exporter", other.escape_debug()), "")),
        }
    }

    pub(super) fn otlp_protocol(&self) -> Result<OtlpProtocol, Fault> {
        match self.text()?.trim() {
            "grpc" => Ok(OtlpProtocol::Grpc),
            "http" => Ok(OtlpProtocol::Http),
            other => Err(Fault::new(format!("`{}` is no protocol of a collector", other.escape_debug()), "")),
        }
    }

    pub(super) fn endpoint(&self) -> Result<Text, Fault> {
        let text = self.text()?.trim();
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.unwrap_or_default().split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Fault::new("this is no url of a collector", ""));
        }
        if host.contains('@') {
            // It would be shown wherever the url is.
            return Err(Fault::new("the url holds a user", "give credentials as `headers`"));
        }
        Ok(text.into())
    }

    pub(super) fn ratio(&self) -> Result<f64, Fault> {
        let ratio = self.share()?;
        if (0.0..=1.0).contains(&ratio) {
            Ok(ratio)
        } else {
            Err(Fault::new(format!("{ratio} is not between 0 and 1"), ""))
        }
    }

    pub(super) fn propagators(&self) -> Result<Vec<Propagator>, Fault> {
        let words = self.list()?.into_iter().filter(|word| !word.is_empty());
        words
            .map(|word| match word {
                "tracecontext" => Ok(Propagator::TraceContext),
                "baggage" => Ok(Propagator::Baggage),
                other => Err(Fault::new(
                    format!("`{}` is no propagator", other.escape_debug()),
                    "write \"tracecontext\" and \"baggage\"; others are given in code, with `Traces::propagator`",
                )),
            })
            .collect()
    }

    /// `name=value`, several with commas between. What is refused is not repeated.
    pub(super) fn collector_headers(&self) -> Result<CollectorHeaders, Fault> {
        let Some(text) = self.value.as_str() else { return Err(Fault::new("this is not text", "")) };
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').ok_or_else(|| Fault::new("a header has no `=`", ""))?;
            let (name, value) = (name.trim(), value.trim());
            let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            let is_value = value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            if is_name && is_value {
                Ok((name.to_ascii_lowercase().into(), value.into()))
            } else {
                Err(Fault::new("a header holds a character that can't stand in one", ""))
            }
        };
        pairs.map(read).collect::<Result<_, _>>().map(CollectorHeaders)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Known, Layers, TelemetrySettings};

    fn read(text: &str) -> (TelemetrySettings, Vec<String>) {
        let (settings, faults) =
            Layers::none().text("swit.toml", format!("[telemetry]\n{text}")).read(&Known::default());
        (settings.telemetry, faults.iter().map(|fault| format!("{}; {}", fault.message, fault.help)).collect())
    }

    #[test]
    fn what_is_wrong_is_said_without_secrets() {
        for (key, said) in [
            ("exporter = 'zipkin'", "`telemetry.exporter`: `zipkin` is no exporter; write \"otlp\""),
            ("protocol = 'udp'", "`telemetry.protocol`: `udp` is no protocol"),
            ("endpoint = 'collector:4317'", "`telemetry.endpoint`: this is no url of a collector; write"),
            ("endpoint = 'http://user:hunter2@collector:4317'", "the url holds a user; give credentials as `headers`"),
            ("sample = 1.5", "`telemetry.sample`: 1.5 is not between 0 and 1"),
            ("sample = 'often'", "`telemetry.sample`: "),
            ("propagators = ['b3']", "`b3` is no propagator; write \"tracecontext\""),
            ("headers = 'hunter2'", "`telemetry.headers`: a header has no `=`"),
            ("headers = \"a=hunter2\\nb\"", "a header holds a character"),
            ("headers = \"a=hunter2\\u0001\"", "a header holds a character"),
        ] {
            let (_, faults) = read(key);
            assert!(faults.len() == 1 && faults[0].contains(said), "{key}: {faults:?}");
            assert!(!faults[0].contains("hunter2"), "{faults:?}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let (telemetry, faults) = read(
            "exporter = 'otlp'\nendpoint = 'https://collector:4317'\nprotocol = 'http'\nsample = 0.1\n\
             propagators = ['tracecontext', 'baggage']\nheaders = 'Authorization=Bearer hunter2, x-tenant=a'",
        );
        assert_eq!(faults, Vec::<String>::new());
        assert!(!format!("{telemetry:?}").contains("hunter2"));
        let headers = telemetry.headers.unwrap().value;
        assert_eq!(headers.expose().collect::<Vec<_>>(), [("authorization", "Bearer hunter2"), ("x-tenant", "a")]);
        assert!((telemetry.sample.unwrap().value - 0.1).abs() < f64::EPSILON);
    }
}
