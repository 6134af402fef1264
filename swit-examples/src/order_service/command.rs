//! What the binary does: reads the arguments, runs, prints, and says by its exit status how it went.

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
    args::{self, Command, Options},
    partners,
    service::{self, RunError},
    signals::Signals,
    summary::Table,
};

const WRONG_USAGE: u8 = 2;

/// Runs the command line of this process.
pub async fn main() -> ExitCode {
    match args::parse(env::args_os().skip(1)) {
        Ok(Command::Run(options)) => take_orders(options).await,
        Ok(Command::Framework) => framework().await,
        Ok(Command::Help) => print(args::HELP),
        Ok(Command::Version) => print(concat!("order-service ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => {
            complain(&format!("{error}\nTry `order-service --help`."));
            ExitCode::from(WRONG_USAGE)
        }
    }
}

async fn take_orders(options: Options) -> ExitCode {
    log();
    be_quiet_about_simulated_crashes();
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => {
            complain(&format!("can't listen for signals: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let json = options.json;
    let (stop, stopping) = watch::channel(false);
    let work = service::run(options, stopping);
    tokio::pin!(work);
    let ended = loop {
        tokio::select! {
            ended = &mut work => break ended,
            () = signals.next() => {
                if stop.send_replace(true) {
                    complain("ended without draining");
                    // 128 + SIGINT, as shells report it.
                    std::process::exit(130);
                }
            }
        }
    };
    let report = match ended {
        Ok(report) => report,
        Err(error) => {
            complain(&describe(&error));
            return ExitCode::FAILURE;
        }
    };
    let text = if json {
        serde_json::to_string(&report.summary).map_or_else(|error| error.to_string(), |text| text + "\n")
    } else {
        Table(&report.summary).to_string()
    };
    let printed = print(&text);
    if !report.summary.balanced {
        if json {
            complain(&Table(&report.summary).to_string());
        }
        return ExitCode::FAILURE;
    }
    match report.error {
        Some(error) => {
            complain(&describe(&error));
            ExitCode::FAILURE
        }
        None => printed,
    }
}

/// `check`, `graph` and the like, on the app as it runs.
async fn framework() -> ExitCode {
    match service::app().cli().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:?}"));
            ExitCode::from(if matches!(error, swit::Error::Usage(_)) { WRONG_USAGE } else { 1 })
        }
    }
}

/// Start-up reports are readable in their `Debug` form; everything else is one line.
fn describe(error: &RunError) -> String {
    match error {
        RunError::Service(error) => format!("{error:?}"),
        other => other.to_string(),
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

/// Prints to standard output. Whoever closed it early has read enough; that is no failure of ours.
fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("can't write to standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Tells standard error, if it is there.
fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "order-service: {}", text.trim_end());
}
