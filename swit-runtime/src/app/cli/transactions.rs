//! `transactions`: transactions over several participants that are not over, from outside of the service.

use std::fmt::Write as _;

use super::{TransactionsCommand, execute::print};
use crate::{
    app::{App, builder::Part, database, logging},
    error::{Error, Result},
    said::Shown,
    store::{Entry, Recovered, Store, StoreError},
};

/// At most so many are listed.
const LISTED: u32 = 1_000;

fn none() -> Error {
    Error::Usage("the service has no database, so it has no coordinator; set `database.url`".to_owned())
}

pub(super) async fn transactions(app: App, command: TransactionsCommand) -> Result<()> {
    match command {
        TransactionsCommand::List => list(app).await,
        TransactionsCommand::Resolve => resolve(app).await,
    }
}

async fn list(app: App) -> Result<()> {
    logging::of_command(&app.layers);
    let opening = app.check()?.database.ok_or_else(none)?;
    let opened = database::open(&opening, &app.migrations).await?;
    let (place, listed) = (opened.place(), listing(&**opened.store()).await);
    opened.close().await;
    print(&listed.map_err(|source| Error::Database { place, source: source.into() })?)
}

async fn listing(store: &dyn Store) -> Result<String, StoreError> {
    let entries = store.decisions().unfinished("", LISTED).await?;
    if entries.is_empty() {
        return Ok("all transactions are over\n".to_owned());
    }
    Ok(entries.iter().map(line).collect())
}

fn line(entry: &Entry) -> String {
    let decision = entry.decision.map_or("undecided", crate::store::Decision::as_str);
    let mut out = format!(
        "{}  {decision}  {}  begun {}  abortable from {}  ",
        Shown(&entry.id),
        Shown(&entry.coordinator),
        humantime::format_rfc3339_seconds(entry.begun),
        humantime::format_rfc3339_seconds(entry.deadline)
    );
    for (place, participant) in entry.participants.iter().enumerate() {
        let (comma, done) = (if place == 0 { "" } else { ", " }, if participant.done { "done" } else { "waiting" });
        // Writing to a `String` can't fail.
        let _ = write!(out, "{comma}{} {done}", Shown(&participant.name));
    }
    out.push('\n');
    out
}

/// Builds what the service provides, its coordinators among it, and has them go on with what is not over.
async fn resolve(mut app: App) -> Result<()> {
    logging::of_command(&app.layers);
    if app.check()?.database.is_none() {
        return Err(none());
    }
    app.part = Part::Recovery;
    let running = app.set("database.relay", false).start().await?;
    let recovered = running.recover().await;
    running.shutdown().await?;
    let nobody = || {
        let text = "no provider of the service opens a coordinator, so there is nobody who could go on; \
                    `transactions list` says which it was";
        Error::Usage(text.to_owned())
    };
    print(&resolved(recovered?.ok_or_else(nobody)?))
}

fn resolved(recovered: Recovered) -> String {
    let Recovered { resolved, waiting, orphans } = recovered;
    let mut out = format!("{resolved} are over now, {waiting} are not\n");
    if orphans > 0 {
        // Writing to a `String` can't fail.
        let _ = writeln!(out, "{orphans} prepared parts of no transaction were rolled back");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{
        store::{Decision, Enrolled},
        stores::MemoryStore,
    };

    #[tokio::test]
    async fn what_is_not_over_is_listed() {
        let store = MemoryStore::new();
        assert_eq!(listing(&store).await.unwrap(), "all transactions are over\n");
        let enrolled = |name: &str, done| Enrolled { name: name.into(), done };
        let entry = |id: &str, decision| Entry {
            id: id.into(),
            coordinator: "shop".into(),
            begun: UNIX_EPOCH,
            deadline: UNIX_EPOCH + Duration::from_secs(30),
            decision,
            participants: vec![enrolled("orders", true), enrolled("pay\nments", false)],
        };
        for (id, decision) in [("1", None), ("2", Some(Decision::Committed))] {
            crate::store::Decisions::enter(&store, &entry(id, decision)).await.unwrap();
        }
        let rest =
            "shop  begun 1970-01-01T00:00:00Z  abortable from 1970-01-01T00:00:30Z  orders done, pay\\nments waiting";
        assert_eq!(listing(&store).await.unwrap(), format!("1  undecided  {rest}\n2  committed  {rest}\n"));
    }

    #[test]
    fn a_recovery_says_what_it_did() {
        let recovered = |resolved, waiting, orphans| Recovered { resolved, waiting, orphans };
        assert_eq!(resolved(recovered(2, 1, 0)), "2 are over now, 1 are not\n");
        let orphans = "0 are over now, 0 are not\n3 prepared parts of no transaction were rolled back\n";
        assert_eq!(resolved(recovered(0, 0, 3)), orphans);
    }
}
