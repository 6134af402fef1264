//! The decision log of two-phase commit: what every store keeps of transactions over several participants, and for how long.
//!
//! An entry is begun before any participant prepares, decided once, and forgotten after all participants have done what was
//! decided. One that is not there was aborted, or is over: whoever finds a prepared transaction without an entry rolls it
//! back («presumed abort»).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;

use super::{Enlisted, StoreError};
use crate::{text::Text, transport::BoxFuture};

/// What was decided of a transaction. It is never changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// All participants commit.
    Committed,
    /// All participants roll back.
    Aborted,
}

impl Decision {
    /// The word for it: `committed` or `aborted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Aborted => "aborted",
        }
    }
}

/// A transaction that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id, which no other transaction of any log has. Ids ascend with time.
    pub id: Text,
    /// The name of the coordinator that began it.
    pub coordinator: Text,
    /// When it was begun.
    pub begun: SystemTime,
    /// If nothing is decided by then, anybody may abort it.
    pub deadline: SystemTime,
    /// What was decided.
    pub decision: Option<Decision>,
    /// Who takes part.
    pub participants: Vec<Enrolled>,
}

/// A participant of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// Its name.
    pub name: Text,
    /// Whether it has done what was decided.
    pub done: bool,
}

/// The log of decisions, and what participants that have no memory of their own keep beside it until the decision.
pub trait Decisions: Send + Sync {
    /// The log's own name, which no other log has: 16 hexadecimal digits that stay the same as long as its tables are there.
    fn log_name(&self) -> BoxFuture<'_, Result<Text, StoreError>>;

    /// Writes down that a transaction begins. It is on the disk when this resolves.
    fn enter<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Decides, if nobody has. Says what is decided now, by whoever: it is on the disk then. A transaction that is not there
    /// is aborted.
    fn decide<'a>(&'a self, id: &'a str, decision: Decision) -> BoxFuture<'a, Result<Decision, StoreError>>;

    /// Notes that a participant has done what was decided.
    fn done<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Forgets a transaction that is over, with all that was kept for it.
    fn erase<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The transaction of this id, if it is not over.
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>>;

    /// The first so many transactions behind this id, by their ids, that are not over (from the first one: the empty text).
    fn unfinished<'a>(&'a self, behind: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>>;

    /// Keeps something for a participant until its transaction is over, in place of what was there. It fails where there is
    /// no such transaction any more.
    fn note<'a>(&'a self, id: &'a str, participant: &'a str, note: Bytes) -> BoxFuture<'a, Result<(), StoreError>>;

    /// What is kept for a participant.
    fn noted<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// Keeps publications for a participant, where no relay sees them. It fails where there is no such transaction any more.
    fn hold<'a>(
        &'a self,
        id: &'a str,
        participant: &'a str,
        publications: &'a [Enlisted],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Puts what is held for a participant into the outbox, in its order, and notes that it is done, all at once: a second
    /// time nothing happens. Says how many there were.
    fn release<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Throws away what is held for a participant.
    fn discard<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// What a recovery found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovered {
    /// Transactions that were not over, and are now.
    pub resolved: u64,
    /// Transactions that are still not over: not all participants have done what was decided, or their deadline has not
    /// passed.
    pub waiting: u64,
    /// Prepared parts without an entry that were rolled back.
    pub orphans: u64,
}

/// What was counted of a coordinator.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "there is no page of metrics"))]
pub(crate) struct Tallied {
    /// How many transactions ended how.
    pub(crate) ended: [(&'static str, u64); 5],
    /// How many are not over, and should be, as far as is known.
    pub(crate) in_doubt: u64,
}

/// Whoever goes on with transactions that are not over.
pub(crate) trait Recovers: Send + Sync {
    /// What was counted.
    #[cfg_attr(not(feature = "prometheus"), expect(dead_code, reason = "there is no page of metrics"))]
    fn tallied(&self) -> Tallied;

    /// One look at all of them.
    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>>;
}

/// All coordinators of a service, by their names.
#[derive(Default)]
pub(crate) struct Recoveries(Mutex<BTreeMap<Text, Arc<dyn Recovers>>>);

impl Recoveries {
    /// Adds one; one of the same name is replaced.
    pub(crate) fn add(&self, coordinator: Text, recovers: Arc<dyn Recovers>) {
        self.lock().insert(coordinator, recovers);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    pub(crate) fn all(&self) -> Vec<(Text, Arc<dyn Recovers>)> {
        self.lock().iter().map(|(name, recovers)| (name.clone(), recovers.clone())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Text, Arc<dyn Recovers>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
