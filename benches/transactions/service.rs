//! The service that is measured: one handler that writes twice.

use serde::{Deserialize, Serialize};
use swit::{App, Event, Migrations, Running, State, Statement, Tx, subscriber};
use tokio::sync::mpsc;

use crate::place::Place;

/// So many messages are handled at once.
pub(crate) const AT_ONCE: usize = 8;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
pub(crate) struct OrderCreated {
    pub(crate) id: String,
    pub(crate) sku: String,
}

pub(crate) const TAKE: &str = "UPDATE bench_stock SET taken = taken + 1 WHERE sku = $1";
pub(crate) const NOTE: &str = "INSERT INTO bench_order (id, sku) VALUES ($1, $2)";

/// Says that a message was handled.
pub(crate) type Done = mpsc::UnboundedSender<()>;

#[subscriber(topic = "order.created", inbox, concurrency = 8)]
async fn take(order: OrderCreated, mut tx: Tx, done: State<Done>) -> Result<(), swit::StoreError> {
    tx.execute(Statement::new(TAKE).bind(&order.sku)).await?;
    tx.execute(Statement::new(NOTE).bind(&order.id).bind(&order.sku)).await?;
    // Before the commit: the round ends once the queue is empty.
    let _ = done.send(());
    Ok(())
}

/// The tables of the benchmark: as many skus as the handlers that are at work have no need to wait for each other.
pub(crate) fn migrations() -> Migrations {
    let skus: Vec<String> = (0..1_000).map(|number| format!("('s{number}', 0)")).collect();
    Migrations::new("bench")
        .step(format!(
            "CREATE TABLE bench_stock (sku TEXT PRIMARY KEY, taken BIGINT NOT NULL); \
         CREATE TABLE bench_order (id TEXT PRIMARY KEY, sku TEXT NOT NULL); \
         INSERT INTO bench_stock VALUES {}",
            skus.join(", ")
        ))
        .step(crate::saga::TABLE)
}

pub(crate) async fn start(place: &Place, done: Done) -> Running {
    App::only::<(take,)>()
        .service("bench", "0")
        .set("database.url", place.url.as_str())
        .set("database.migrate", true)
        .migrations(migrations())
        .provide(done)
        .start()
        .await
        .expect("it starts")
}
