//! The roles of the binary `faulty` that have a database: what they do is rows in tables without a unique constraint, so that
//! what is done twice shows.
//!
//! ```text
//! once:     fault.work → enter: a row in `entered`, and by the outbox → fault.entered → follow: a row in `followed`
//! commit:   a transaction of its own: a row in `produced`, and by the outbox → fault.entered
//! relay:    relays, and nothing else
//! ```
//!
//! The database is one of the configuration (`FAULTY_CONFIGURATION`).

use std::{error::Error, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{App, Event, Migrations, Publish, Statement, StoreError, Tx, subscriber};
use swit_testbed::ledger::Ledger;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    role::{RunAs, variable, variable_or},
    work::{Conduct, Work, id},
};

/// How many keys there are.
pub const KEYS: u64 = 32;

/// It has entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "fault.entered", version = 1, key = key)]
pub struct Entered {
    /// The number of the work.
    pub number: u64,
    /// What it is ordered by.
    pub key: String,
}

impl Entered {
    fn of(number: u64) -> Self {
        Self { number, key: format!("key-{}", number % KEYS) }
    }
}

/// Anything that goes wrong in a handler.
type Failed = Box<dyn Error + Send + Sync>;

/// Does its work, or whatever the message asks for.
#[subscriber(topic = "fault.work", inbox, retries = 100, backoff = fixed("100ms"), concurrency = 8, prefetch = 64)]
async fn enter(work: Work, mut tx: Tx) -> Result<Publish<Entered>, Failed> {
    match work.conduct {
        Conduct::Succeed => {}
        Conduct::SucceedAfter(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        Conduct::Cross => cross(&mut tx, work.number).await?,
        conduct => return Err(format!("{conduct:?} is not for those with an inbox").into()),
    }
    tx.execute(Statement::new("INSERT INTO entered (id) VALUES ($1)").bind(id(work.number))).await?;
    Ok(Publish(Entered::of(work.number)))
}

/// Counts in two rows, of which others have the second one while this has the first one.
async fn cross(tx: &mut Tx, number: u64) -> Result<(), StoreError> {
    let count = Statement::new("UPDATE crossed SET times = times + 1 WHERE name = $1");
    let first = if number.is_multiple_of(2) { "a" } else { "b" };
    tx.execute(count.clone().bind(first)).await?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    tx.execute(count.bind(if first == "a" { "b" } else { "a" })).await?;
    Ok(())
}

/// Does what follows.
#[subscriber(topic = "fault.entered", inbox, retries = 100, backoff = fixed("100ms"), concurrency = 8, prefetch = 64)]
async fn follow(entered: Entered, mut tx: Tx) -> Result<(), StoreError> {
    tx.execute(Statement::new("INSERT INTO followed (id) VALUES ($1)").bind(id(entered.number))).await?;
    Ok(())
}

fn tables() -> Migrations {
    Migrations::new("faults")
        .step("CREATE TABLE entered (id TEXT NOT NULL)")
        .step("CREATE TABLE followed (id TEXT NOT NULL)")
        .step("CREATE TABLE produced (id TEXT NOT NULL)")
        .step("CREATE TABLE crossed (name TEXT PRIMARY KEY, times BIGINT NOT NULL)")
        .step("INSERT INTO crossed (name, times) VALUES ('a', 0), ('b', 0)")
}

pub(crate) async fn handlers() -> swit::Result<()> {
    App::only::<(enter, follow)>().migrations(tables()).at_the_broker().run().await
}

pub(crate) async fn relay() -> swit::Result<()> {
    App::only::<()>().migrations(tables()).at_the_broker().run().await
}

/// Commits one transaction after the other, until it is told to end.
pub(crate) async fn commit() -> swit::Result<()> {
    let running = App::only::<()>().migrations(tables()).at_the_broker().start().await?;
    let database = running.database().expect("the configuration names one");
    let ledger = Arc::new(Ledger::open(variable::<String>("FAULTY_LEDGER")));
    let (first, count) = (variable_or("FAULTY_FIRST", 0), variable::<u64>("FAULTY_COUNT"));
    let pause = Duration::from_millis(variable_or("FAULTY_PAUSE_MS", 0));
    let mut terminated = signal(SignalKind::terminate()).expect("signals can be listened to");
    for number in first..first + count {
        let name = id(number);
        ledger.attempted(&name);
        let committed = async {
            let mut tx = database.begin().await?;
            tx.publish(&Entered::of(number)).await?;
            tx.execute(Statement::new("INSERT INTO produced (id) VALUES ($1)").bind(&name)).await?;
            tx.commit().await?;
            Ok::<(), Failed>(())
        };
        match committed.await {
            Ok(()) => ledger.confirmed(&name),
            Err(error) => {
                tracing::warn!(%error, id = name, "not known to be committed");
                ledger.unknown(&name);
            }
        }
        tokio::select! {
            biased;
            _ = terminated.recv() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    running.shutdown().await
}
