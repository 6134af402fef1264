use swit::{
    BoxError,
    transport::BoxFuture,
    two_phase::{Coordinator, Open, TransactionId, TransactionParticipant},
};

struct Ledger;

impl TransactionParticipant for Ledger {
    fn name(&self) -> &str {
        "ledger"
    }
    fn begin<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        todo!()
    }
    fn prepare<'a>(&'a self, _: &'a TransactionId, _: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        todo!()
    }
    fn commit<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        todo!()
    }
    fn rollback<'a>(&'a self, _: &'a TransactionId, _: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        todo!()
    }
}

async fn book(coordinator: Coordinator, ledger: Ledger) {
    let booked = coordinator.execute(async |mut tx| {
        tx.of(&ledger)?;
        Ok::<_, BoxError>(())
    });
    let _ = booked.await;
}

fn main() {}
