//! What the binary does: reads the arguments, runs, prints, and says by its exit status how it went.

use std::{env, process::ExitCode};

use swit_orders::console::Console;

use super::{
    args::{self, Command, Options},
    service::{self, RunError},
};

const CONSOLE: Console = Console("order-service");

/// Runs the command line of this process.
pub async fn main() -> ExitCode {
    match args::parse(env::args_os().skip(1)) {
        Ok(Command::Run(options)) => take_orders(options).await.unwrap_or_else(|failed| failed),
        Ok(Command::Framework) => CONSOLE.ended(service::app().cli().await),
        Ok(Command::Help) => CONSOLE.print(args::HELP),
        Ok(Command::Version) => CONSOLE.print(concat!("order-service ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => CONSOLE.wrong_usage(&error),
    }
}

async fn take_orders(options: Options) -> Result<ExitCode, ExitCode> {
    let json = options.json;
    let ended = CONSOLE.run(|stopping| service::run(options, stopping)).await?;
    let report = ended.map_err(|error| CONSOLE.failure(&describe(&error)))?;
    let printed = CONSOLE.report(&report.summary, json);
    if report.summary.balanced
        && let Some(error) = report.error
    {
        return Err(CONSOLE.failure(&describe(&error)));
    }
    Ok(printed)
}

/// Start-up reports are readable in their `Debug` form; everything else is one line.
fn describe(error: &RunError) -> String {
    match error {
        RunError::Service(error) => format!("{error:?}"),
        other => other.to_string(),
    }
}
