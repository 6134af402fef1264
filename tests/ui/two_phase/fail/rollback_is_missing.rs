use swit::{
    BoxError,
    transport::BoxFuture,
    two_phase::{Open, TransactionId, TransactionParticipant},
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
}

fn main() {}
