//! The log of a service that sets up none itself: to standard error, from `info` on, or as `RUST_LOG` says.

use std::io::IsTerminal as _;

use tracing_subscriber::{filter::Targets, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Logs to standard error, unless the program has set up a log already.
///
/// `RUST_LOG` takes levels by target, `info,swit_runtime=debug`. Colours only on a terminal.
pub fn init() {
    let filter: Targets = std::env::var("RUST_LOG")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO));
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    // An error means that the program logs already, as it likes.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}
