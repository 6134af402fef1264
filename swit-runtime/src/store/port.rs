//! What a store does, operation by operation.

use std::{
    any::Any,
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{
    Decisions, Depth, Enlisted, Look, Parked, Partition, Row, SagaWork, Sagas, Statement, StoreError, Stored, Turn,
};
use crate::{text::Text, transport::BoxFuture};

/// A database that effects are kept in.
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// The database's name, as OpenTelemetry spells it (`postgresql`, `sqlite`), or `memory`.
    fn system(&self) -> &'static str;

    /// Opens a transaction.
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Work>, StoreError>>;

    /// What an attempt left as its result, if it was handled and left one: the outer `None` is «not handled».
    fn result<'a>(
        &'a self,
        subscriber: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Option<Bytes>>, StoreError>>;

    /// Forgets at most so many messages that were handled before then. Says how many.
    fn forget(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// Whether a job is due that was begun last, by any process, at least so long ago. If it is, it was begun now.
    fn due<'a>(&'a self, job: &'a str, every: Duration, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// What was published and is not with its broker yet.
    fn outbox(&self) -> &dyn Outbox;

    /// Transactions over several participants that are not over.
    fn decisions(&self) -> &dyn Decisions;

    /// Instances of sagas.
    fn sagas(&self) -> &dyn Sagas;

    /// Gives all connections back. What is open is waited for.
    fn close(&self) -> BoxFuture<'_, ()>;

    /// The store itself, for whoever knows which one it is.
    fn as_any(&self) -> &dyn Any;
}

/// Whether a message is new to a subscriber.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is, and with this transaction it will not be any more.
    New,
    /// It was handled.
    Duplicate,
}

/// An open transaction. Dropped, nothing of it has happened.
pub trait Work: SagaWork {
    /// Claims a message for a subscriber, first of all. While another transaction holds the same claim, this waits for
    /// what becomes of it.
    fn claim<'a>(
        &'a mut self,
        subscriber: &'a str,
        id: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Claim, StoreError>>;

    /// Keeps a result with the claim.
    fn keep<'a>(&'a mut self, subscriber: &'a str, id: &'a str, result: Bytes)
    -> BoxFuture<'a, Result<(), StoreError>>;

    /// Writes publications into the outbox, in their order.
    fn enlist<'a>(&'a mut self, publications: &'a [Enlisted], now: SystemTime)
    -> BoxFuture<'a, Result<(), StoreError>>;

    /// Executes a statement. Says how many rows it changed.
    fn execute<'a>(&'a mut self, statement: Statement<'a>) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Reads all rows of a statement.
    fn fetch<'a>(&'a mut self, statement: Statement<'a>) -> BoxFuture<'a, Result<Vec<Row>, StoreError>>;

    /// Makes all of it happen. An error that says that the connection was lost leaves open whether it did.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>>;

    /// The database's name.
    fn system(&self) -> &'static str;

    /// The turn to write that it has as long as it is open, where the database has one writer at a time.
    fn turn(&self) -> Option<Turn> {
        None
    }

    /// The transaction itself, for whoever knows which one it is.
    fn as_any(&mut self) -> &mut (dyn Any + Send);
}

/// What was published and is not with its broker yet: rows in their order, in partitions, each of which has one relay at a
/// time.
pub trait Outbox: Send + Sync {
    /// Who relays which partition.
    fn partitions(&self) -> BoxFuture<'_, Result<Vec<Partition>, StoreError>>;

    /// Takes partitions over, each if it still belongs to whom it was seen to, and that relay has not shown since that it
    /// lives: one that does so at the same time keeps its partition, or learns that it has lost it. Says which were taken.
    fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>>;

    /// The relays, each with a number that changes whenever it shows that it lives.
    fn relays(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>>;

    /// Forgets a relay; where a number is given, only if that is still the one by which it showed last that it lives.
    fn leave<'a>(&'a self, relay: &'a str, beat: Option<i64>) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Shows that a relay lives. Says which partitions are its own, those that others took over not among them.
    fn beat<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>>;

    /// Gives partitions back.
    fn release<'a>(&'a self, relay: &'a str, partitions: &'a [u16]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Rows of these partitions for a transport, in order, without those that are parked. There is no row behind which all is
    /// new: a transaction may commit after one that began later.
    fn pending<'a>(
        &'a self,
        transport: &'a str,
        partitions: &'a [u16],
        look: Look<'a>,
    ) -> BoxFuture<'a, Result<Vec<Stored>, StoreError>>;

    /// How many rows wait for other transports than these, by transport; no more than 100,000 are counted.
    fn waiting_beside<'a>(&'a self, transports: &'a [Text]) -> BoxFuture<'a, Result<Vec<(Text, u64)>, StoreError>>;

    /// Removes rows that were confirmed.
    fn done<'a>(&'a self, rows: &'a [i64]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Parks a row that can't be published, with what was said.
    fn park<'a>(&'a self, row: i64, error: &'a str, now: SystemTime) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The first so many parked rows behind this one.
    fn parked(&self, behind: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>>;

    /// Has parked rows published again: these, or all. Says how many.
    fn replay<'a>(&'a self, rows: Option<&'a [i64]>) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// How much lies in it.
    fn depth(&self) -> BoxFuture<'_, Result<Depth, StoreError>>;

    /// Resolves when something was committed, by this process or, where the database tells, by another. It may do so
    /// without a reason, and must not miss one.
    fn committed(&self) -> BoxFuture<'_, ()>;
}
