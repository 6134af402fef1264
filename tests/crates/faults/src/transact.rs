//! The role `transact`: transactions over two PostgreSQL databases and the outbox, one after the other, until it is killed;
//! or, with none to run, until all that others left is over.
//!
//! | variable | what it says |
//! |---|---|
//! | `FAULTY_URL` | the database of the log and the outbox |
//! | `FAULTY_ORDERS`, `FAULTY_PAYMENTS` | the databases that take part, each with a table `entry` |
//! | `FAULTY_FIRST`, `FAULTY_COUNT` | which transactions to run |
//!
//! Each third transaction fails in its business function, and each fifth where `payments` prepares.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    App, BoxError, Event, Statement,
    stores::{PostgresParticipant, sqlx::PgPool},
    two_phase::{Coordinator, MessagingParticipant, TransactionState},
};
use swit_testbed::ledger::Ledger;

use crate::role::{variable, variable_or};

/// How long a transaction may take before anybody may abort it.
const TIMEOUT: Duration = Duration::from_secs(2);

/// What each transaction publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "entry.made", key = number)]
pub struct Made {
    /// Its number.
    pub number: String,
}

/// What a transaction is to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It commits, if it is not killed.
    Commits,
    /// Its business function fails.
    Fails,
    /// `payments` does not prepare.
    DoesNotPrepare,
}

/// What the transaction of this number is to come to.
pub fn fate(number: u64) -> Fate {
    match (number % 3, number % 5) {
        (0, _) => Fate::Fails,
        (_, 0) => Fate::DoesNotPrepare,
        _ => Fate::Commits,
    }
}

pub(crate) async fn play() -> swit::Result<()> {
    let ledger = Ledger::open(variable::<String>("FAULTY_LEDGER"));
    let app =
        App::only::<()>().service("faults", "1").config_text("the test", "").set("transport.default.url", "memory://");
    let app = app.set("database.url", variable::<String>("FAULTY_URL")).set("database.migrate", true);
    let running = app.set("database.relay", false).start().await?;
    let database = running.database().expect("it has a database");
    let participant = async |name: &'static str, variable_name: &str| {
        let pool = PgPool::connect(&variable::<String>(variable_name)).await.expect("a database");
        PostgresParticipant::new(name, pool)
    };
    let orders = participant("orders", "FAULTY_ORDERS").await;
    let payments = participant("payments", "FAULTY_PAYMENTS").await;
    let messages = MessagingParticipant::new("messages", &database);
    let options = Coordinator::on(&database).timeout(TIMEOUT).participant(orders.clone());
    let options = options.participant(payments.clone()).participant(messages.clone());
    let coordinator = options.open().await.expect("a coordinator");
    let (first, count) = (variable_or::<u64>("FAULTY_FIRST", 0), variable::<u64>("FAULTY_COUNT"));
    for number in first..first + count {
        let id = number.to_string();
        ledger.attempted(&id);
        let insert = Statement::new("INSERT INTO entry (id) VALUES ($1)");
        let ended = coordinator.execute(async |mut tx| {
            let value = i64::try_from(number)?;
            tx.of(&orders)?.execute(insert.clone().bind(value)).await?;
            tx.of(&payments)?.execute(insert.clone().bind(value)).await?;
            tx.of(&messages)?.publish(&Made { number: id.clone() }).await?;
            match fate(number) {
                Fate::Commits => Ok::<_, BoxError>(()),
                Fate::Fails => Err("as it was told".into()),
                Fate::DoesNotPrepare => {
                    // Its constraint is looked at when it prepares.
                    tx.of(&payments)?.execute(insert.clone().bind(value)).await?;
                    Ok(())
                }
            }
        });
        match ended.await {
            Ok(()) => ledger.confirmed(&id),
            Err(error) if error.state() == TransactionState::RolledBack => ledger.returned(&id),
            Err(error) => {
                tracing::warn!(%error, "not over yet");
                ledger.unknown(&id);
            }
        }
    }
    if count == 0 {
        // The service's own task goes on with what others left.
        while !database.store().decisions().unfinished("", 1).await.expect("the log answers").is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if env_says("FAULTY_HURRIES") {
                coordinator.recover().await.expect("the log answers");
            }
        }
        coordinator.recover().await.expect("the log answers");
    }
    running.shutdown().await
}

fn env_says(name: &str) -> bool {
    std::env::var_os(name).is_some()
}
