//! The log of a service that sets up none itself: to standard error, as `[telemetry]` and `RUST_LOG` say.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use swit_grammar::nearest::nearest;

use super::config::{Known, LEVELS, Layers, LogFormat, TelemetrySettings, levels};
use crate::{outcome::one_line, said::Shown};

/// The client library of RabbitMQ and its parts. They log what travels, bodies of returned messages too; what a service
/// has to know of its connections swit says itself.
const TOO_TALKATIVE: [&str; 2] = ["lapin", "amq_protocol"];

/// Logs to standard error as `[telemetry]` of `swit.toml` and of the environment says, unless the program has set up a log
/// already. For programs that are not [`swit::run()`](super::serve), which does it by itself.
///
/// `telemetry.log` says in which form: human on a terminal and JSON elsewhere, unless it says otherwise. `telemetry.level`
/// says what; the variable `RUST_LOG` wins over it. What the client library of RabbitMQ logs is left out, since
/// it may show messages, unless it is named: `lapin=debug`. Its trace level is never logged: it would show the password.
///
/// What is wrong with the configuration is said by the app that reads it, when it starts.
pub fn init() {
    of_service(&Layers::new());
}

/// As [`init`], with the layers of an app.
pub(super) fn of_service(layers: &Layers) {
    set_up(&read(layers), LogFormat::Json);
}

/// For a command, which talks to a person also where its output goes elsewhere.
pub(super) fn of_command(layers: &Layers) {
    set_up(&read(layers), LogFormat::Human);
}

/// `[telemetry]` alone. Faults are for whoever reads the whole.
fn read(layers: &Layers) -> TelemetrySettings {
    layers.read(&Known::default()).0.telemetry
}

/// `elsewhere`: the form where nobody chose one and there is no terminal.
fn set_up(settings: &TelemetrySettings, elsewhere: LogFormat) {
    let is_terminal = std::io::stderr().is_terminal();
    let format = match settings.log.as_ref().map_or(LogFormat::Auto, |set| set.value) {
        LogFormat::Auto if is_terminal => LogFormat::Human,
        LogFormat::Auto => elsewhere,
        chosen => chosen,
    };
    let layer = match format {
        LogFormat::Off => None,
        LogFormat::Json => Some(json(std::io::stderr).boxed()),
        LogFormat::Human | LogFormat::Auto => {
            Some(fmt::layer().with_writer(std::io::stderr).with_ansi(is_terminal).boxed())
        }
    };
    let level = settings.level.as_ref().map(|set| set.value.as_str());
    let asked = std::env::var_os("RUST_LOG").map(|asked| asked.to_string_lossy().into_owned());
    let (filter, unread) = filter(asked.as_deref(), level);
    // Of the log alone: what else listens to spans and events asks for what it wants.
    let log = layer.map(|layer| layer.with_filter(filter.clone()).with_filter(filter_fn(is_harmless)));
    // An error means that the program logs already, as it likes.
    let log = tracing_subscriber::registry().with(log);
    // What handlers open as spans becomes part of their service's traces, if it has some.
    #[cfg(feature = "traces")]
    let log = log.with(crate::spans::layer().with_filter(filter).with_filter(filter_fn(is_harmless)));
    if log.try_init().is_ok()
        && let Some(why) = unread
    {
        tracing::warn!(
            RUST_LOG = asked.as_deref().map(Shown).map(tracing::field::display),
            %why,
            "RUST_LOG can't be read, and says nothing; write levels, as in `info,orders=debug`"
        );
    }
}

/// A JSON object a line, its fields beside `timestamp` (RFC 3339, UTC), `level`, `message` and `target`.
fn json<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fmt::layer().json().flatten_event(true).with_current_span(true).with_span_list(false).with_writer(writer)
}

/// What is never logged, whatever is asked for: at trace level the client library of RabbitMQ writes each frame down, the
/// one with the password among them, and its returned messages come with their bodies.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_theirs = TOO_TALKATIVE.iter().any(|name| target.starts_with(name));
    !is_theirs || (*metadata.level() <= Level::DEBUG && target != "lapin::returned_messages")
}

/// What is logged, for what `RUST_LOG` says, else for what is configured; with why the former can't be read.
fn filter(asked: Option<&str>, configured: Option<&str>) -> (Targets, Option<String>) {
    let (asked, unread) = match asked.filter(|text| !text.trim().is_empty()).map(asked_for) {
        None => (None, None),
        Some(Ok(targets)) => (Some(targets), None),
        // It may be meant for others, in a way that is not ours: no reason not to start.
        Some(Err(why)) => (None, Some(why)),
    };
    let configured = || configured.and_then(levels);
    let mut filter = asked.or_else(configured).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    for target in TOO_TALKATIVE {
        // A level for a module of it stands beside this: the longer name wins.
        if !filter.iter().any(|(named, _)| named == target) {
            filter = filter.with_target(target, LevelFilter::OFF);
        }
    }
    (filter, unread)
}

/// Targets and levels. A word that stands alone is a target, at all levels; one that looks like a level would so be all
/// that is logged, which is nothing.
fn asked_for(text: &str) -> Result<Targets, String> {
    // It would be taken for the name of a target, which nothing has.
    if text.contains('[') {
        return Err("what is logged is chosen by targets, not by spans or fields".to_owned());
    }
    // Beside others it is one target among them, and may well be called like that.
    if !text.contains(',') {
        let word = text.trim();
        let lower = word.to_ascii_lowercase();
        if let Some(level) = nearest(&lower, LEVELS).filter(|level| **level != *lower) {
            return Err(format!(
                "`{0}` is no level; did you mean `{level}`? A target of that name is `{0}=trace`",
                word.escape_debug()
            ));
        }
    }
    text.parse().map_err(|error: tracing_subscriber::filter::ParseError| one_line(&error))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn the_client_library_is_silent_unless_it_is_named() {
        for asked in [None, Some("trace"), Some("debug,swit_runtime=trace"), Some("not = a [filter")] {
            let (filter, _) = filter(asked, None);
            for target in ["lapin", "lapin::channel", "amq_protocol", "amq_protocol_tcp", "amq_protocol::frame"] {
                assert!(!filter.would_enable(target, &Level::ERROR), "{asked:?}: {target}");
            }
            assert!(filter.would_enable("swit_runtime::app", &Level::INFO), "{asked:?}");
        }
        let (named, _) = filter(Some("info,lapin=debug"), None);
        assert!(
            named.would_enable("lapin::channel", &Level::DEBUG) && !named.would_enable("amq_protocol", &Level::ERROR)
        );
        let (part, _) = filter(Some("lapin::io_loop=trace"), None);
        assert!(
            part.would_enable("lapin::io_loop", &Level::TRACE) && !part.would_enable("lapin::channel", &Level::ERROR)
        );
        assert!(!filter(Some("warn"), None).0.would_enable("orders", &Level::INFO));
    }

    #[test]
    fn the_environment_wins_over_the_configuration() {
        let debugs = |asked, configured| filter(asked, configured).0.would_enable("orders", &Level::DEBUG);
        assert!(
            debugs(None, Some("debug")) && !debugs(Some("warn"), Some("debug")) && debugs(Some("debug"), Some("warn"))
        );
        // Set to nothing, as orchestrators do, it says nothing.
        assert!(debugs(Some(""), Some("debug")));
    }

    #[test]
    fn what_can_t_be_read_is_said_and_changes_nothing() {
        for (asked, why) in [
            ("inof", "`inof` is no level; did you mean `info`?"),
            ("orders=loud", "expected one of"),
            ("orders[span]=debug", "not by spans or fields"),
            ("[{id=7}]=debug", "not by spans or fields"),
            ("not = a [filter", "not by spans or fields"),
        ] {
            let (filter, unread) = filter(Some(asked), Some("debug"));
            assert!(unread.as_ref().is_some_and(|said| said.contains(why)), "{asked}: {unread:?}");
            assert!(filter.would_enable("orders", &Level::DEBUG), "{asked}");
        }
        for asked in ["info", "INFO", "orders", "inbox,orders=debug", "orders=debug,warn", "off", " ", ""] {
            assert_eq!(filter(Some(asked), None).1, None, "{asked}");
        }
    }

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_with_its_fields_beside_each_other() {
        let written = Written::default();
        let writer = written.clone();
        let log = tracing_subscriber::registry().with(json(move || writer.clone()));
        tracing::subscriber::with_default(log, || {
            tracing::warn!(message_id = %"a\nb", attempt = 2, trace_id = None::<&str>, "attempt failed");
        });
        let text = String::from_utf8(written.0.lock().expect("whole").clone()).expect("UTF-8");
        assert_eq!(text.lines().count(), 1, "{text}");
        for part in [
            r#""level":"WARN""#,
            r#""message":"attempt failed""#,
            r#""message_id":"a\nb""#,
            r#""attempt":2"#,
            r#""target":"swit_runtime::app::logging::tests""#,
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            text.starts_with("{\"timestamp\":\"20") && text.contains("Z\"") && !text.contains("trace_id"),
            "{text}"
        );
    }
}
