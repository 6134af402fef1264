//! `migrate`, `outbox` and `relay`: the service's database, from outside of it.

use std::fmt::Write as _;

use super::{OutboxCommand, execute::print};
use crate::{
    app::{App, builder::Part, database, logging, run},
    error::{Error, Result},
    said::Shown,
    store::{Store, StoreError},
};

/// At most so many parked publications are listed.
const LISTED: u32 = 1_000;

fn none() -> Error {
    Error::Usage("the service has no database; set `database.url`, or write `inbox` into a subscriber".to_owned())
}

/// Makes what is missing of the tables.
pub(super) async fn migrate(app: App) -> Result<()> {
    logging::of_command(&app.layers);
    let graph = app.check()?;
    let mut opening = graph.database.ok_or_else(none)?;
    opening.migrate = Some(true);
    let opened = database::open(&opening, &app.migrations).await?;
    let system = opened.store().system();
    opened.close().await;
    print(&format!("{}: the tables are as this version needs them ({system})\n", graph.service.name))
}

/// Looks at the outbox, or has parked publications made again.
pub(super) async fn outbox(app: App, command: OutboxCommand) -> Result<()> {
    logging::of_command(&app.layers);
    let graph = app.check()?;
    let opening = graph.database.ok_or_else(none)?;
    let opened = database::open(&opening, &app.migrations).await?;
    let place = opened.place();
    let done = of(&**opened.store(), command).await;
    opened.close().await;
    print(&done.map_err(|error| Error::Database { place, source: error.into() })?)
}

async fn of(store: &dyn Store, command: OutboxCommand) -> Result<String, StoreError> {
    let outbox = store.outbox();
    match command {
        OutboxCommand::List => {
            let depth = outbox.depth().await?;
            let mut out = format!("{} pending, {} parked\n", depth.pending, depth.parked);
            for parked in outbox.parked(0, LISTED).await? {
                // Writing to a `String` can't fail.
                let _ = writeln!(
                    out,
                    "{}  {}  {}  {}  {}",
                    parked.row,
                    humantime::format_rfc3339_seconds(parked.since),
                    Shown(&parked.topic),
                    Shown(&parked.id),
                    Shown(&parked.error)
                );
            }
            Ok(out)
        }
        OutboxCommand::Replay { rows } => {
            let replayed = outbox.replay((!rows.is_empty()).then_some(&rows)).await?;
            Ok(format!("{replayed} will be published again\n"))
        }
    }
}

/// Relays, and does nothing else, until it is told to stop.
pub(super) async fn relay(mut app: App) -> Result<()> {
    let graph = app.check()?;
    if graph.database.is_none() {
        return Err(none());
    }
    if graph.database.as_ref().is_some_and(|opening| opening.relay.is_none()) {
        app = app.set("database.relay", true);
    }
    app.part = Part::Relay;
    if graph.openings.iter().all(|(_, opening)| !opening.is_durable()) && app.transports.is_empty() {
        let text = "the transport keeps its messages in the service's own process, and this would be another one; \
                    the service relays by itself";
        return Err(Error::Usage(text.to_owned()));
    }
    run::run(app).await
}
