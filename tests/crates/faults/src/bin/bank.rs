//! A service with swit's own command line and the coordinator of the role `transact`, for commands that go on with what it
//! left. `FAULTY_ORDERS` and `FAULTY_PAYMENTS` are the databases that take part.

use serde::{Deserialize, Serialize};
use swit::{
    BoxError, Database,
    prelude::*,
    stores::{PostgresParticipant, sqlx::PgPool},
    two_phase::{Coordinator, MessagingParticipant},
};

/// Something to do.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "bank.asked")]
struct Asked {
    what: String,
}

struct Bank(Coordinator);

#[provider]
async fn bank(database: Database) -> Result<Bank, BoxError> {
    let participant = async |name: &'static str, variable: &str| {
        let pool = PgPool::connect(&std::env::var(variable)?).await?;
        Ok::<_, BoxError>(PostgresParticipant::new(name, pool))
    };
    let options = Coordinator::on(&database).named("faults");
    let options = options.participant(participant("orders", "FAULTY_ORDERS").await?);
    let options = options.participant(participant("payments", "FAULTY_PAYMENTS").await?);
    Ok(Bank(options.participant(MessagingParticipant::new("messages", &database)).open().await?))
}

#[subscriber]
async fn asked(asked: Asked, bank: State<Bank>) -> Result<(), swit::StoreError> {
    tracing::info!(asked.what, "asked");
    bank.0.recover().await.map(drop)
}

swit::handlers!();

#[tokio::main]
async fn main() -> swit::Result<()> {
    swit::cli().await
}
