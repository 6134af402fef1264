//! A store in this process's memory, for tests and for simulations: transactions, claims, an outbox and sagas, but no SQL. What it
//! holds ends with the process.

mod decisions;
mod instances;
mod saga_work;
mod sagas;

use std::{
    any::Any,
    collections::{BTreeMap, HashMap},
    fmt, mem,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::sync::Notify;

use self::{decisions::Undecided, instances::Instances, saga_work::Touched};
use crate::{
    store::{
        Claim, Decisions, Depth, Enlisted, Look, Outbox, PARTITIONS, Parked, Partition, Row, Sagas, Statement, Store,
        StoreError, Stored, Work,
    },
    text::Text,
    transport::BoxFuture,
};

/// A store in memory. Cheap to clone; clones are one store.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Default)]
struct Shared {
    inner: Mutex<Inner>,
    /// A claim was decided, or whether an instance of a saga is started.
    decided: Notify,
    committed: Notify,
}

#[derive(Default)]
struct Inner {
    claims: HashMap<(Text, Text), Claimed>,
    outbox: BTreeMap<i64, Lying>,
    last_row: i64,
    relays: BTreeMap<Text, i64>,
    jobs: BTreeMap<Text, SystemTime>,
    partitions: [Text; PARTITIONS as usize],
    undecided: Undecided,
    sagas: Instances,
}

enum Claimed {
    /// By a transaction that is still open.
    Open,
    Done {
        at: SystemTime,
        result: Option<Bytes>,
    },
}

struct Lying {
    publication: Enlisted,
    since: SystemTime,
    parked: Option<(SystemTime, Text)>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn system(&self) -> &'static str {
        "memory"
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Work>, StoreError>> {
        Box::pin(async {
            let store = self.0.clone();
            let sagas = Touched::default();
            Ok(Box::new(MemoryWork { store, claims: Vec::new(), enlisted: Vec::new(), sagas }) as Box<dyn Work>)
        })
    }

    fn result<'a>(
        &'a self,
        subscriber: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Option<Bytes>>, StoreError>> {
        Box::pin(async move {
            Ok(match self.0.lock().claims.get(&(subscriber.into(), id.into())) {
                Some(Claimed::Done { result, .. }) => Some(result.clone()),
                _ => None,
            })
        })
    }

    fn forget(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            let is_old = |claimed: &Claimed| matches!(claimed, Claimed::Done { at, .. } if *at < before);
            let old = inner.claims.iter().filter(|(_, claimed)| is_old(claimed)).map(|(key, _)| key.clone());
            let old: Vec<_> = old.take(limit as usize).collect();
            for key in &old {
                inner.claims.remove(key);
            }
            Ok(old.len() as u64)
        })
    }

    fn due<'a>(&'a self, job: &'a str, every: Duration, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            let is_due = inner.jobs.get(job).is_none_or(|begun| *begun + every <= now);
            if is_due {
                inner.jobs.insert(job.into(), now);
            }
            Ok(is_due)
        })
    }

    fn outbox(&self) -> &dyn Outbox {
        self
    }

    fn decisions(&self) -> &dyn Decisions {
        self
    }

    fn sagas(&self) -> &dyn Sagas {
        self
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct MemoryWork {
    store: Arc<Shared>,
    /// What it claimed, when, with what was kept.
    claims: Vec<((Text, Text), SystemTime, Option<Bytes>)>,
    enlisted: Vec<(Enlisted, SystemTime)>,
    sagas: Touched,
}

impl MemoryWork {
    fn no_sql() -> StoreError {
        StoreError::OtherDatabase { is: "memory", wanted: "a database that understands SQL" }
    }
}

impl Work for MemoryWork {
    fn claim<'a>(
        &'a mut self,
        subscriber: &'a str,
        id: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move {
            let key = (Text::from(subscriber), Text::from(id));
            let store = self.store.clone();
            loop {
                let decided = store.decided.notified();
                {
                    let mut inner = store.lock();
                    match inner.claims.get(&key) {
                        Some(Claimed::Done { .. }) => return Ok(Claim::Duplicate),
                        Some(Claimed::Open) if self.claims.iter().any(|(own, ..)| *own == key) => {
                            return Ok(Claim::Duplicate);
                        }
                        Some(Claimed::Open) => {}
                        None => {
                            inner.claims.insert(key.clone(), Claimed::Open);
                            self.claims.push((key, now, None));
                            return Ok(Claim::New);
                        }
                    }
                }
                decided.await;
            }
        })
    }

    fn keep<'a>(
        &'a mut self,
        subscriber: &'a str,
        id: &'a str,
        result: Bytes,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let own = |(claimant, message): &(Text, Text)| claimant == subscriber && message == id;
            if let Some((.., kept)) = self.claims.iter_mut().find(|(key, ..)| own(key)) {
                *kept = Some(result);
            }
            Ok(())
        })
    }

    fn enlist<'a>(
        &'a mut self,
        publications: &'a [Enlisted],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.enlisted.extend(publications.iter().map(|publication| (publication.clone(), now)));
            Ok(())
        })
    }

    fn execute<'a>(&'a mut self, _: Statement<'a>) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async { Err(Self::no_sql()) })
    }

    fn fetch<'a>(&'a mut self, _: Statement<'a>) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async { Err(Self::no_sql()) })
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let store = self.store.clone();
            let enlisted = mem::take(&mut self.enlisted);
            {
                let mut inner = store.lock();
                self.write_sagas(&mut inner.sagas)?;
                for (key, at, result) in mem::take(&mut self.claims) {
                    inner.claims.insert(key, Claimed::Done { at, result });
                }
                for (publication, since) in &enlisted {
                    inner.last_row += 1;
                    let row = inner.last_row;
                    inner.outbox.insert(row, Lying { publication: publication.clone(), since: *since, parked: None });
                }
            }
            store.decided.notify_waiters();
            if !enlisted.is_empty() {
                store.committed.notify_one();
            }
            Ok(())
        })
    }

    fn system(&self) -> &'static str {
        "memory"
    }

    fn as_any(&mut self) -> &mut (dyn Any + Send) {
        self
    }
}

impl Drop for MemoryWork {
    /// What was not committed was never claimed, nor started.
    fn drop(&mut self) {
        if self.claims.is_empty() && self.sagas.is_empty() {
            return;
        }
        let mut inner = self.store.lock();
        for (key, ..) in self.claims.drain(..) {
            inner.claims.remove(&key);
        }
        for entry in self.sagas.starting() {
            inner.sagas.starting.remove(&entry);
        }
        drop(inner);
        self.store.decided.notify_waiters();
    }
}

impl Outbox for MemoryStore {
    fn partitions(&self) -> BoxFuture<'_, Result<Vec<Partition>, StoreError>> {
        Box::pin(async {
            let inner = self.0.lock();
            let numbered = (0..PARTITIONS).zip(&inner.partitions);
            let beat = |relay: &Text| inner.relays.get(relay).copied();
            Ok(numbered.map(|(number, relay)| Partition { number, relay: relay.clone(), beat: beat(relay) }).collect())
        })
    }

    fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            let mut taken = Vec::new();
            let Inner { partitions, relays, .. } = &mut *inner;
            for Partition { number, relay: owner, beat } in seen {
                let now = &mut partitions[usize::from(*number)];
                if now == owner && relays.get(owner) == beat.as_ref() {
                    *now = relay.into();
                    taken.push(*number);
                }
            }
            Ok(taken)
        })
    }

    fn relays(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>> {
        Box::pin(async { Ok(self.0.lock().relays.iter().map(|(name, beat)| (name.clone(), *beat)).collect()) })
    }

    fn leave<'a>(&'a self, relay: &'a str, beat: Option<i64>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let relays = &mut self.0.lock().relays;
            if beat.is_none() || relays.get(relay) == beat.as_ref() {
                relays.remove(relay);
            }
            Ok(())
        })
    }

    fn beat<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            *inner.relays.entry(relay.into()).or_default() += 1;
            let own = (0..PARTITIONS).zip(&inner.partitions).filter(|(_, owner)| *owner == relay);
            Ok(own.map(|(number, _)| number).collect())
        })
    }

    fn release<'a>(&'a self, relay: &'a str, partitions: &'a [u16]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            for number in partitions {
                let owner = &mut inner.partitions[usize::from(*number)];
                if *owner == relay {
                    *owner = Text::default();
                }
            }
            Ok(())
        })
    }

    fn pending<'a>(
        &'a self,
        transport: &'a str,
        partitions: &'a [u16],
        look: Look<'a>,
    ) -> BoxFuture<'a, Result<Vec<Stored>, StoreError>> {
        Box::pin(async move {
            let inner = self.0.lock();
            let range = (Bound::Excluded(look.behind), Bound::Included(look.until));
            let rows = inner.outbox.range(range).filter(|(row, lying)| {
                look.without.binary_search(row).is_err()
                    && lying.parked.is_none()
                    && lying.publication.transport == transport
                    && partitions.contains(&lying.publication.partition())
            });
            let stored = rows.map(|(row, lying)| Stored { row: *row, publication: Ok(lying.publication.clone()) });
            Ok(stored.take(look.limit as usize).collect())
        })
    }

    fn waiting_beside<'a>(&'a self, transports: &'a [Text]) -> BoxFuture<'a, Result<Vec<(Text, u64)>, StoreError>> {
        Box::pin(async move {
            let inner = self.0.lock();
            let mut waiting: BTreeMap<Text, u64> = BTreeMap::new();
            for lying in inner.outbox.values().filter(|lying| lying.parked.is_none()) {
                if !transports.contains(&lying.publication.transport) {
                    *waiting.entry(lying.publication.transport.clone()).or_default() += 1;
                }
            }
            Ok(waiting.into_iter().collect())
        })
    }

    fn done<'a>(&'a self, rows: &'a [i64]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            for row in rows {
                inner.outbox.remove(row);
            }
            Ok(())
        })
    }

    fn park<'a>(&'a self, row: i64, error: &'a str, now: SystemTime) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(lying) = self.0.lock().outbox.get_mut(&row) {
                lying.parked = Some((now, error.into()));
            }
            Ok(())
        })
    }

    fn parked(&self, behind: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
        Box::pin(async move {
            let inner = self.0.lock();
            let rows = inner.outbox.range(behind.saturating_add(1)..).filter_map(|(row, lying)| {
                let (since, error) = lying.parked.clone()?;
                let message = &lying.publication.message;
                Some(Parked {
                    row: *row,
                    id: message.id.to_string().into(),
                    topic: message.topic.clone(),
                    error,
                    since,
                })
            });
            Ok(rows.take(limit as usize).collect())
        })
    }

    fn replay<'a>(&'a self, rows: Option<&'a [i64]>) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let mut inner = self.0.lock();
            let wanted = inner
                .outbox
                .iter_mut()
                .filter(|(row, lying)| lying.parked.is_some() && rows.is_none_or(|rows| rows.contains(row)));
            let replayed = wanted.map(|(_, lying)| lying.parked = None).count();
            drop(inner);
            self.0.committed.notify_one();
            Ok(replayed as u64)
        })
    }

    fn depth(&self) -> BoxFuture<'_, Result<Depth, StoreError>> {
        Box::pin(async {
            let inner = self.0.lock();
            let parked = inner.outbox.values().filter(|lying| lying.parked.is_some()).count() as u64;
            let oldest = inner.outbox.values().find(|lying| lying.parked.is_none()).map(|lying| lying.since);
            Ok(Depth { pending: inner.outbox.len() as u64 - parked, parked, oldest })
        })
    }

    fn committed(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.committed.notified())
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("outbox", &self.0.lock().outbox.len()).finish_non_exhaustive()
    }
}
