//! The log of a service that sets up none itself: to standard error, from `info` on, or as `RUST_LOG` says.

use std::io::IsTerminal as _;

use tracing::{Level, Metadata};
use tracing_subscriber::{
    filter::{LevelFilter, Targets, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// The client library of RabbitMQ and its parts. They log what travels, bodies of returned messages too; what a service
/// has to know of its connections swit says itself.
const TOO_TALKATIVE: [&str; 2] = ["lapin", "amq_protocol"];

/// Logs to standard error, unless the program has set up a log already.
///
/// `RUST_LOG` takes levels by target, `info,swit_runtime=debug`. What the client library of RabbitMQ logs is left out, since
/// it may show messages, unless `RUST_LOG` names it: `lapin=debug`. Its trace level is never logged: it would show the password. Colours only on a terminal.
pub fn init() {
    let filter = filter(std::env::var("RUST_LOG").ok().as_deref());
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // An error means that the program logs already, as it likes.
    let log = tracing_subscriber::registry().with(filter).with(filter_fn(is_harmless)).with(layer);
    // What handlers open as spans becomes part of their service's traces, if it has some.
    #[cfg(feature = "traces")]
    let log = log.with(crate::spans::layer());
    let _ = log.try_init();
}

/// What is never logged, whatever is asked for: at trace level the client library of RabbitMQ writes each frame down, the
/// one with the password among them, and its returned messages come with their bodies.
fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let is_theirs = TOO_TALKATIVE.iter().any(|name| target.starts_with(name));
    !is_theirs || (*metadata.level() <= Level::DEBUG && target != "lapin::returned_messages")
}

/// What is logged, for what `RUST_LOG` says.
fn filter(asked: Option<&str>) -> Targets {
    let asked: Option<Targets> = asked.and_then(|text| text.parse().ok());
    let mut filter = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    for target in TOO_TALKATIVE {
        // A level for a module of it stands beside this: the longer name wins.
        if !filter.iter().any(|(named, _)| named == target) {
            filter = filter.with_target(target, LevelFilter::OFF);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_library_is_silent_unless_it_is_named() {
        for asked in [None, Some("trace"), Some("debug,swit_runtime=trace"), Some("not = a [filter")] {
            let filter = filter(asked);
            for target in ["lapin", "lapin::channel", "amq_protocol", "amq_protocol_tcp", "amq_protocol::frame"] {
                assert!(!filter.would_enable(target, &Level::ERROR), "{asked:?}: {target}");
            }
            assert!(filter.would_enable("swit_runtime::app", &Level::INFO), "{asked:?}");
        }
        let named = filter(Some("info,lapin=debug"));
        assert!(
            named.would_enable("lapin::channel", &Level::DEBUG) && !named.would_enable("amq_protocol", &Level::ERROR)
        );
        let part = filter(Some("lapin::io_loop=trace"));
        assert!(
            part.would_enable("lapin::io_loop", &Level::TRACE) && !part.would_enable("lapin::channel", &Level::ERROR)
        );
        assert!(!filter(Some("warn")).would_enable("orders", &Level::INFO));
    }
}
