//! Does what the command line asked for.

use std::{fmt::Write as _, io::Write as _};

use super::{
    Command, GraphFormat, Invocation, database, dlq, help, parse, publish, saga, tail, topology, transactions,
};
use crate::{
    app::App,
    error::{Error, Result},
};

/// Reads the process's arguments and does what they say: `run`, `check`, `graph`, `publish`, `tail`, `topology`, `dlq`,
/// `migrate`, `outbox`, `relay`, `transactions`, `saga`.
///
/// # Errors
/// [`Error::Usage`] for arguments that make no sense; else what the command says.
pub async fn main() -> Result<()> {
    execute(App::new(), parse(std::env::args_os().skip(1))?).await
}

/// Does what an invocation says, with an app of one's own making.
///
/// # Errors
/// What the command says.
pub async fn execute(app: App, invocation: Invocation) -> Result<()> {
    let app = match invocation.config {
        Some(file) => app.config_file(file),
        None => app,
    };
    match invocation.command {
        Command::Run => app.run().await,
        Command::Check => check(&app),
        Command::Graph(format) => graph(&app, format),
        Command::Publish(command) => publish::publish(app, command).await,
        Command::Tail(command) => tail::tail(app, command).await,
        Command::Topology(command) => topology::topology(app, command).await,
        Command::Dlq(command) => dlq::dlq(app, command).await,
        Command::Migrate => database::migrate(app).await,
        Command::Outbox(command) => database::outbox(app, command).await,
        Command::Transactions(command) => transactions::transactions(app, command).await,
        Command::Saga(command) => saga::saga(app, command).await,
        Command::Relay => database::relay(app).await,
        Command::Help => print(&help(&program())),
        Command::Version => version(&app),
    }
}

fn check(app: &App) -> Result<()> {
    let graph = app.check()?;
    let mut text = String::new();
    for warning in graph.warnings() {
        let _ = writeln!(text, "warning: {warning}");
    }
    for subscriber in graph.view().subscribers {
        if let Some(handling) = subscriber.handling() {
            let _ = writeln!(text, "{}: {handling}", subscriber.name);
        }
    }
    // Writing to a `String` can't fail.
    let _ = writeln!(
        text,
        "{}: {} subscribers, {} providers: everything fits together",
        graph.service.name,
        graph.subscribers(),
        graph.providers.len()
    );
    print(&text)
}

fn graph(app: &App, format: GraphFormat) -> Result<()> {
    let view = app.check()?.view();
    print(&match format {
        GraphFormat::Mermaid => view.mermaid(),
        GraphFormat::Dot => view.dot(),
    })
}

fn version(app: &App) -> Result<()> {
    let graph = app.check()?;
    print(&format!("{} {}\n", graph.service.name, graph.service.version))
}

fn program() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from);
    path.as_deref()
        .and_then(|path| path.file_name())
        .map_or_else(|| "service".into(), |name| name.to_string_lossy().into_owned())
}

/// Writes to standard output. A reader that went away is not an error.
pub(super) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::Io { doing: "writing to standard output".to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
