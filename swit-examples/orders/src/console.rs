//! What a program says: its summary on standard output, everything else on standard error, and how it went by its exit status.

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use tokio::sync::watch;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{
    partners,
    signals::Signals,
    summary::{Summary, Table},
};

const WRONG_USAGE: u8 = 2;

/// The terminal of a program of this name.
#[derive(Debug, Clone, Copy)]
pub struct Console(pub &'static str);

impl Console {
    /// Runs what takes orders. A first signal asks it to stop, a second one ends the process at once.
    ///
    /// # Errors
    /// The system has no signals to be listened to: nothing was run.
    pub async fn run<F: Future>(self, work: impl FnOnce(watch::Receiver<bool>) -> F) -> Result<F::Output, ExitCode> {
        log();
        be_quiet_about_simulated_crashes();
        let mut signals =
            Signals::listen().map_err(|error| self.failure(&format!("can't listen for signals: {error}")))?;
        let (stop, stopping) = watch::channel(false);
        let work = work(stopping);
        tokio::pin!(work);
        loop {
            tokio::select! {
                ended = &mut work => return Ok(ended),
                () = signals.next() => {
                    if stop.send_replace(true) {
                        self.complain("ended without draining");
                        // 128 + SIGINT, as shells report it.
                        std::process::exit(130);
                    }
                }
            }
        }
    }

    /// Prints a summary, as JSON or as a table; success is a balanced one.
    pub fn report(self, summary: &Summary, json: bool) -> ExitCode {
        let text = if json {
            serde_json::to_string(summary).map_or_else(|error| error.to_string(), |text| text + "\n")
        } else {
            Table(summary).to_string()
        };
        let printed = self.print(&text);
        if summary.balanced {
            return printed;
        }
        if json {
            self.complain(&Table(summary).to_string());
        }
        ExitCode::FAILURE
    }

    /// Ends one of swit's own commands.
    pub fn ended(self, ended: swit::Result<()>) -> ExitCode {
        match ended {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                self.complain(&format!("{error:?}"));
                ExitCode::from(if matches!(error, swit::Error::Usage(_)) { WRONG_USAGE } else { 1 })
            }
        }
    }

    /// Says what is wrong with the arguments.
    pub fn wrong_usage(self, error: &lexopt::Error) -> ExitCode {
        self.complain(&format!("{error}\nTry `{} --help`.", self.0));
        ExitCode::from(WRONG_USAGE)
    }

    /// Says what went wrong.
    pub fn failure(self, text: &str) -> ExitCode {
        self.complain(text);
        ExitCode::FAILURE
    }

    /// Prints to standard output. Whoever closed it early has read enough; that is no failure of ours.
    pub fn print(self, text: &str) -> ExitCode {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(error) => self.failure(&format!("can't write to standard output: {error}")),
        }
    }

    /// Tells standard error, if it is there.
    pub fn complain(self, text: &str) {
        let _ = writeln!(io::stderr().lock(), "{}: {}", self.0, text.trim_end());
    }
}

/// Failures and dead letters are in the summary: a line each would bury it. `RUST_LOG=warn` shows them.
fn log() {
    let filter = env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok()).unwrap_or_else(|| {
        Targets::new()
            .with_default(tracing::Level::WARN)
            .with_target("swit_runtime", tracing::Level::ERROR)
            // The client of RabbitMQ shows messages.
            .with_targets(["lapin", "amq_protocol"].map(|target| (target, LevelFilter::OFF)))
    });
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
    // An error means that somebody logs already.
    let _ = tracing_subscriber::registry().with(filter).with(layer).try_init();
}

/// A simulated crash is part of the plan; any other panic is reported as ever.
fn be_quiet_about_simulated_crashes() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_none_or(|text| !text.starts_with(partners::CRASH)) {
            report(panic);
        }
    }));
}
