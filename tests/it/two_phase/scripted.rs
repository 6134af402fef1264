//! A world of participants and a log that do what a script says, and remember what was done to them.

use std::{
    any::Any,
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use swit::{
    BoxError, StoreError, Text,
    store::{Decision, Decisions, Enlisted, Entry, Outbox, Sagas, Store, Work},
    stores::MemoryStore,
    transport::BoxFuture,
    two_phase::{Open, Opens, TransactionId, TransactionParticipant},
};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Act {
    #[default]
    Well,
    /// It fails, and nothing has happened.
    Fail,
    /// It has happened, but the answer says that it failed.
    FailAfter,
    Hang,
    HangAfter,
    Panic,
    PanicAfter,
    /// It takes its time.
    Slow,
}

impl Act {
    pub(crate) const ALL: [Self; 8] = [
        Self::Well,
        Self::Fail,
        Self::FailAfter,
        Self::Hang,
        Self::HangAfter,
        Self::Panic,
        Self::PanicAfter,
        Self::Slow,
    ];

    /// Does it, with this effect.
    pub(crate) async fn perform<T>(self, effect: impl FnOnce() -> T) -> Result<T, BoxError> {
        match self {
            Self::Well => return Ok(effect()),
            Self::Slow => {
                tokio::time::sleep(Duration::from_millis(700)).await;
                return Ok(effect());
            }
            Self::Fail => return Err("as the script says".into()),
            Self::Hang => std::future::pending().await,
            Self::Panic => panic!("as the script says"),
            Self::FailAfter | Self::HangAfter | Self::PanicAfter => {}
        }
        effect();
        match self {
            Self::HangAfter => std::future::pending().await,
            Self::PanicAfter => panic!("as the script says"),
            _ => Err("as the script says".into()),
        }
    }
}

/// What each step does, the first time, the second time and so on; and well after that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    pub(crate) begin: VecDeque<Act>,
    pub(crate) prepare: VecDeque<Act>,
    pub(crate) commit: VecDeque<Act>,
    pub(crate) rollback: VecDeque<Act>,
}

/// Where a transaction is at a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Open,
    Prepared,
    Committed,
    Gone,
}

#[derive(Default)]
struct Inside {
    script: Script,
    at: BTreeMap<Text, At>,
    /// What must never happen, and did.
    wrong: Vec<String>,
    /// Whether the part was written in before it was prepared.
    written: Vec<Text>,
    calls: Vec<&'static str>,
}

/// A participant that outlives its coordinators, as a database does.
#[derive(Clone)]
pub(crate) struct Scripted {
    name: &'static str,
    inside: Arc<Mutex<Inside>>,
}

/// What it has open. Dropped, it is undone.
pub(crate) struct Part {
    id: Text,
    of: Arc<Mutex<Inside>>,
}

impl Part {
    pub(crate) fn write(&mut self) {
        let mut inside = self.of.lock().unwrap();
        if inside.at.get(&self.id) != Some(&At::Open) {
            inside.wrong.push("written when it was not open".to_owned());
        }
        inside.written.push(self.id.clone());
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut inside = self.of.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(at @ At::Open) = inside.at.get_mut(&self.id) {
            *at = At::Gone;
        }
    }
}

impl Scripted {
    pub(crate) fn new(name: &'static str, script: Script) -> Self {
        Self { name, inside: Arc::new(Mutex::new(Inside { script, ..Inside::default() })) }
    }

    pub(crate) fn at(&self, id: &str) -> Option<At> {
        self.inside.lock().unwrap().at.get(id).copied()
    }

    pub(crate) fn all(&self) -> Vec<At> {
        self.inside.lock().unwrap().at.values().copied().collect()
    }

    pub(crate) fn wrong(&self) -> Vec<String> {
        self.inside.lock().unwrap().wrong.clone()
    }

    pub(crate) fn calls(&self) -> Vec<&'static str> {
        self.inside.lock().unwrap().calls.clone()
    }

    fn next(&self, call: &'static str, of: impl FnOnce(&mut Script) -> &mut VecDeque<Act>) -> Act {
        let mut inside = self.inside.lock().unwrap();
        inside.calls.push(call);
        of(&mut inside.script).pop_front().unwrap_or_default()
    }

    fn go(&self, id: &TransactionId, to: At) {
        let mut inside = self.inside.lock().unwrap();
        let from = inside.at.insert(id.id().clone(), to);
        let is_right = matches!(
            (from, to),
            (None, At::Open | At::Gone)
                | (Some(At::Open), At::Prepared | At::Gone)
                | (Some(At::Prepared), At::Committed | At::Gone)
                | (Some(At::Gone), At::Gone)
                | (Some(At::Committed), At::Committed)
        );
        if !is_right {
            inside.wrong.push(format!("{id}: from {from:?} to {to:?}"));
        }
    }
}

impl TransactionParticipant for Scripted {
    fn name(&self) -> &str {
        self.name
    }

    fn begin<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        Box::pin(async move {
            let act = self.next("begin", |script| &mut script.begin);
            act.perform(|| {
                self.go(id, At::Open);
                Box::new(Part { id: id.id().clone(), of: self.inside.clone() }) as Open
            })
            .await
        })
    }

    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let act = self.next("prepare", |script| &mut script.prepare);
            let part = open.downcast::<Part>().expect("its own");
            act.perform(|| self.go(id, At::Prepared)).await?;
            drop(part);
            Ok(())
        })
    }

    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let act = self.next("commit", |script| &mut script.commit);
            act.perform(|| self.go(id, At::Committed)).await
        })
    }

    fn rollback<'a>(&'a self, id: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let act = self.next("rollback", |script| &mut script.rollback);
            act.perform(|| self.go(id, At::Gone)).await?;
            drop(open);
            Ok(())
        })
    }

    fn prepared<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<TransactionId>, BoxError>> {
        Box::pin(async move {
            let inside = self.inside.lock().unwrap();
            let prepared = inside.at.iter().filter(|(_, at)| **at == At::Prepared);
            Ok(prepared.map(|(id, _)| TransactionId::new(log, id.clone())).collect())
        })
    }
}

impl Opens for Scripted {
    type Part = Part;
}

/// A store in memory whose log of decisions does what a script says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flaky {
    pub(crate) inner: MemoryStore,
    pub(crate) enter: Arc<Mutex<VecDeque<Act>>>,
    pub(crate) decide: Arc<Mutex<VecDeque<Act>>>,
    pub(crate) erase: Arc<Mutex<VecDeque<Act>>>,
}

async fn perform<T>(
    acts: &Mutex<VecDeque<Act>>,
    effect: BoxFuture<'_, Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let act = acts.lock().unwrap().pop_front().unwrap_or_default();
    let lost = || StoreError::Unavailable { doing: "a test", source: "as the script says".into() };
    match act {
        Act::Well => return effect.await,
        Act::Slow => {
            tokio::time::sleep(Duration::from_millis(700)).await;
            return effect.await;
        }
        Act::Fail | Act::Panic => return Err(lost()),
        Act::Hang => std::future::pending().await,
        Act::FailAfter | Act::HangAfter | Act::PanicAfter => {}
    }
    let _ = effect.await;
    if act == Act::HangAfter {
        std::future::pending::<()>().await;
    }
    Err(lost())
}

impl Store for Flaky {
    fn system(&self) -> &'static str {
        "flaky"
    }
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Work>, StoreError>> {
        self.inner.begin()
    }
    fn result<'a>(
        &'a self,
        subscriber: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Option<Bytes>>, StoreError>> {
        self.inner.result(subscriber, id)
    }
    fn forget(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.inner.forget(before, limit)
    }
    fn due<'a>(&'a self, job: &'a str, every: Duration, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>> {
        self.inner.due(job, every, now)
    }
    fn outbox(&self) -> &dyn Outbox {
        self.inner.outbox()
    }
    fn decisions(&self) -> &dyn Decisions {
        self
    }
    fn sagas(&self) -> &dyn Sagas {
        self.inner.sagas()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Decisions for Flaky {
    fn log_name(&self) -> BoxFuture<'_, Result<Text, StoreError>> {
        self.inner.decisions().log_name()
    }
    fn enter<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(perform(&self.enter, self.inner.decisions().enter(entry)))
    }
    fn decide<'a>(&'a self, id: &'a str, decision: Decision) -> BoxFuture<'a, Result<Decision, StoreError>> {
        Box::pin(perform(&self.decide, self.inner.decisions().decide(id, decision)))
    }
    fn done<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.decisions().done(id, participant)
    }
    fn erase<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(perform(&self.erase, self.inner.decisions().erase(id)))
    }
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        self.inner.decisions().find(id)
    }
    fn unfinished<'a>(&'a self, behind: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        self.inner.decisions().unfinished(behind, limit)
    }
    fn note<'a>(&'a self, id: &'a str, participant: &'a str, note: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.decisions().note(id, participant, note)
    }
    fn noted<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        self.inner.decisions().noted(id, participant)
    }
    fn hold<'a>(
        &'a self,
        id: &'a str,
        participant: &'a str,
        publications: &'a [Enlisted],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.decisions().hold(id, participant, publications, now)
    }
    fn release<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<u64, StoreError>> {
        self.inner.decisions().release(id, participant)
    }
    fn discard<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        self.inner.decisions().discard(id, participant)
    }
}
