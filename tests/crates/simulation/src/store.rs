//! The database, as one process reaches it: the store in memory, which outlives every process, behind the world's weather.

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use swit::{
    Message, StoreError, Text,
    store::{
        Decisions, Depth, Instance, Look, Outbox, Parked, Partition, SagaCount, SagaFilter, SagaState, SagaWish, Sagas,
        Saved, Store, Stored, Work,
    },
    stores::MemoryStore,
    transport::BoxFuture,
};

use crate::{
    breach::Breach,
    process::Process,
    work::{WeatheredWork, as_broken, hide, told},
};

pub(crate) struct WeatheredStore {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: MemoryStore,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

macro_rules! ask {
    ($self:ident, $call:expr, $doing:literal $(, $($what:expr),+)?) => {{
        let (call, what) = ($call, format!($doing $(, $($what),+)?));
        Box::pin(async move { $self.process.ask(what, "as the world says", call).await })
    }};
}

impl Store for WeatheredStore {
    fn system(&self) -> &'static str {
        "memory"
    }

    fn begin(&self) -> Answer<'_, Box<dyn Work>> {
        let (process, store) = (self.process.clone(), self.inner.clone());
        let begun = async {
            let inner = self.inner.begin().await?;
            Ok(Box::new(WeatheredWork { process, inner, broken: false, store }) as Box<dyn Work>)
        };
        ask!(self, begun, "begin")
    }

    fn result<'a>(&'a self, subscriber: &'a str, id: &'a str) -> Answer<'a, Option<Option<Bytes>>> {
        ask!(self, self.inner.result(subscriber, id), "result")
    }

    fn forget(&self, before: SystemTime, limit: u32) -> Answer<'_, u64> {
        ask!(self, self.inner.forget(before, limit), "forget")
    }

    fn due<'a>(&'a self, job: &'a str, every: Duration, now: SystemTime) -> Answer<'a, bool> {
        ask!(self, self.inner.due(job, every, now), "is due: {job}")
    }

    fn outbox(&self) -> &dyn Outbox {
        self
    }

    fn decisions(&self) -> &dyn Decisions {
        self.inner.decisions()
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

impl Outbox for WeatheredStore {
    fn partitions(&self) -> Answer<'_, Vec<Partition>> {
        ask!(self, self.inner.outbox().partitions(), "relay: partitions")
    }

    fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> Answer<'a, Vec<u16>> {
        let taken = async move {
            let is_dead = |partition: &&Partition| partition.relay.is_empty();
            if self.process.world.breaks(Breach::NoTakeover) {
                let free: Vec<_> = seen.iter().filter(is_dead).cloned().collect();
                return self.inner.outbox().take(&free, relay).await;
            }
            self.inner.outbox().take(seen, relay).await
        };
        ask!(self, taken, "relay: take {}", seen.len())
    }

    fn relays(&self) -> Answer<'_, Vec<(Text, i64)>> {
        ask!(self, self.inner.outbox().relays(), "relay: relays")
    }

    fn leave<'a>(&'a self, relay: &'a str, beat: Option<i64>) -> Answer<'a, ()> {
        ask!(self, self.inner.outbox().leave(relay, beat), "relay: {relay} leaves")
    }

    fn beat<'a>(&'a self, relay: &'a str) -> Answer<'a, Vec<u16>> {
        ask!(self, self.inner.outbox().beat(relay), "relay: beat")
    }

    fn release<'a>(&'a self, relay: &'a str, partitions: &'a [u16]) -> Answer<'a, ()> {
        ask!(self, self.inner.outbox().release(relay, partitions), "relay: release {partitions:?}")
    }

    fn pending<'a>(&'a self, transport: &'a str, partitions: &'a [u16], look: Look<'a>) -> Answer<'a, Vec<Stored>> {
        let pending = async move {
            let rows = self.inner.outbox().pending(transport, partitions, look).await?;
            if self.process.world.breaks(Breach::HandOutOnce) {
                let all: Vec<_> = rows.iter().map(|stored| stored.row).collect();
                self.inner.outbox().done(&all).await?;
            }
            Ok(rows)
        };
        ask!(self, pending, "relay: pending")
    }

    fn waiting_beside<'a>(&'a self, transports: &'a [Text]) -> Answer<'a, Vec<(Text, u64)>> {
        ask!(self, self.inner.outbox().waiting_beside(transports), "relay: waiting beside")
    }

    fn done<'a>(&'a self, rows: &'a [i64]) -> Answer<'a, ()> {
        ask!(self, self.inner.outbox().done(rows), "relay: done {rows:?}")
    }

    fn park<'a>(&'a self, row: i64, error: &'a str, now: SystemTime) -> Answer<'a, ()> {
        ask!(self, self.inner.outbox().park(row, error, now), "relay: park {row}")
    }

    fn parked(&self, behind: i64, limit: u32) -> Answer<'_, Vec<Parked>> {
        ask!(self, self.inner.outbox().parked(behind, limit), "parked")
    }

    fn replay<'a>(&'a self, rows: Option<&'a [i64]>) -> Answer<'a, u64> {
        ask!(self, self.inner.outbox().replay(rows), "replay")
    }

    fn depth(&self) -> Answer<'_, Depth> {
        ask!(self, self.inner.outbox().depth(), "depth")
    }

    fn committed(&self) -> BoxFuture<'_, ()> {
        let committed = self.inner.outbox().committed();
        Box::pin(async move {
            committed.await;
            self.process.alive().await;
        })
    }
}

impl Sagas for WeatheredStore {
    fn load<'a>(&'a self, saga: &'a str, key: &'a str) -> Answer<'a, Option<Instance>> {
        ask!(self, self.inner.sagas().load(saga, key), "load {key}")
    }

    fn list<'a>(
        &'a self,
        filter: &'a SagaFilter,
        behind: Option<(&'a str, &'a str)>,
        limit: u32,
    ) -> Answer<'a, Vec<Instance>> {
        ask!(self, self.inner.sagas().list(filter, behind, limit), "list")
    }

    fn claim<'a>(
        &'a self,
        member: &'a str,
        sagas: &'a [Text],
        now: SystemTime,
        limit: u32,
    ) -> Answer<'a, Vec<Instance>> {
        let claimed = async move {
            if self.process.world.breaks(Breach::TakeWithoutTaking) {
                return self.look_at(member, now).await;
            }
            self.inner.sagas().claim(member, sagas, now, limit).await
        };
        ask!(self, claimed, "claim {limit}")
    }

    fn next_due<'a>(&'a self, sagas: &'a [Text]) -> Answer<'a, Option<SystemTime>> {
        ask!(self, self.inner.sagas().next_due(sagas), "next due")
    }

    fn owned<'a>(&'a self, member: &'a str, limit: u32) -> Answer<'a, Vec<Instance>> {
        ask!(self, self.inner.sagas().owned(member, limit), "owned")
    }

    fn orphan<'a>(&'a self, dead: &'a str, beat: Option<i64>, now: SystemTime) -> Answer<'a, u64> {
        let orphaned = async move {
            if self.process.world.breaks(Breach::NoTakeover) {
                return Ok(0);
            }
            self.inner.sagas().orphan(dead, beat, now).await
        };
        ask!(self, orphaned, "orphan {dead}")
    }

    fn save<'a>(&'a self, instance: &'a Instance, owner: &'a str, now: SystemTime) -> Answer<'a, Saved> {
        let saved = async move {
            let world = &self.process.world;
            if world.breaks_here(Breach::LoseTheEnd) {
                return Ok(Saved::Yes { wish: None, mail: false });
            }
            let instance = &as_broken(world, instance);
            Ok(hide(world, self.inner.sagas().save(instance, owner, now).await?))
        };
        ask!(self, saved, "save {}", told(instance))
    }

    fn wish<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        wish: SagaWish,
        now: SystemTime,
    ) -> Answer<'a, Option<SagaState>> {
        let wished = async move {
            if self.process.world.breaks(Breach::ForgetTheWish) {
                return Ok(self.inner.sagas().load(saga, key).await?.map(|instance| instance.state));
            }
            self.inner.sagas().wish(saga, key, wish, now).await
        };
        ask!(self, wished, "wish {key} {wish:?}")
    }

    fn resume<'a>(&'a self, saga: &'a str, key: &'a str, now: SystemTime) -> Answer<'a, bool> {
        ask!(self, self.inner.sagas().resume(saga, key, now), "resume {key}")
    }

    fn mail<'a>(&'a self, saga: &'a str, key: &'a str, step: &'a str) -> Answer<'a, Option<Message>> {
        ask!(self, self.inner.sagas().mail(saga, key, step), "mail {key} {step}")
    }

    fn forget_finished(&self, before: SystemTime, limit: u32) -> Answer<'_, u64> {
        ask!(self, self.inner.sagas().forget_finished(before, limit), "forget finished")
    }

    fn counts(&self) -> Answer<'_, Vec<SagaCount>> {
        ask!(self, self.inner.sagas().counts(), "counts")
    }

    fn beat<'a>(&'a self, member: &'a str) -> Answer<'a, ()> {
        ask!(self, self.inner.sagas().beat(member), "beat")
    }

    fn members(&self) -> Answer<'_, Vec<(Text, i64)>> {
        ask!(self, self.inner.sagas().members(), "members")
    }

    fn leave<'a>(&'a self, member: &'a str) -> Answer<'a, ()> {
        ask!(self, self.inner.sagas().leave(member), "{member} leaves")
    }

    fn state<'a>(&'a self, kind: &'a str, key: &'a str) -> Answer<'a, Option<(i64, Bytes)>> {
        ask!(self, self.inner.sagas().state(kind, key), "state {key}")
    }
}

impl WeatheredStore {
    /// What is due, not taken.
    async fn look_at(&self, member: &str, now: SystemTime) -> Result<Vec<Instance>, StoreError> {
        let all = self.inner.sagas().list(&SagaFilter::default(), None, 100).await?;
        let is_due = |instance: &Instance| instance.owner.is_empty() && instance.due.is_some_and(|due| due <= now);
        let due = all.into_iter().filter(is_due);
        Ok(due.map(|instance| Instance { due: None, owner: member.into(), ..instance }).collect())
    }
}

impl fmt::Debug for WeatheredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeatheredStore({:?})", self.process)
    }
}
