//! Running until a signal: SIGTERM and SIGINT drain, a second one ends the process at once.

use super::{builder::App, logging};
use crate::error::{Error, Result};

/// Runs everything that was linked, configured by `swit.toml` and the environment, until SIGTERM or SIGINT. Reads no
/// arguments.
///
/// # Errors
/// As [`App::run`].
pub async fn serve() -> Result<()> {
    App::new().run().await
}

/// Checks everything that was linked, without building or connecting anything: for a service's own tests.
///
/// # Errors
/// The report of every fault.
pub fn check() -> Result<()> {
    App::new().check()?;
    Ok(())
}

pub(super) async fn run(mut app: App) -> Result<()> {
    app.serves = true;
    logging::of_service(&app.layers);
    #[cfg(feature = "prometheus")]
    crate::metrics::Recorder::install();
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        started = app.start() => started?,
        // Nothing was consumed yet; what a provider opened ends with the process.
        signal = signals.next() => {
            tracing::info!(signal, "stopped while starting");
            return Ok(());
        }
    };
    let signal = signals.next().await;
    tracing::info!(signal, "draining; a second signal ends the process at once");
    tokio::select! {
        ended = running.shutdown() => ended,
        signal = signals.next() => {
            tracing::warn!(signal, "ended without draining");
            // 128 + SIGINT, as shells report it. Nothing that is confirmed is lost by this: what was unsettled is
            // still unsettled.
            std::process::exit(130);
        }
    }
}

/// The signals that ask a service to end.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on, these signals no longer end the process by themselves.
    pub(super) fn listen() -> Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen =
                |kind| signal(kind).map_err(|source| Error::Io { doing: "listening for signals".to_owned(), source });
            Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// The next signal's name.
    pub(super) async fn next(&mut self) -> &'static str {
        #[cfg(unix)]
        {
            tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            }
        }
        #[cfg(not(unix))]
        {
            let _ = tokio::signal::ctrl_c().await;
            "Ctrl-C"
        }
    }
}
