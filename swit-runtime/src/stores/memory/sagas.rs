//! Instances of sagas in memory, outside of transactions.

use std::time::SystemTime;

use bytes::Bytes;

use super::{MemoryStore, instances::Instances};
use crate::{
    message::Message,
    store::{Instance, SagaCount, SagaFilter, SagaState, SagaWish, Sagas, Saved, StoreError},
    text::Text,
    transport::BoxFuture,
};

impl Sagas for MemoryStore {
    fn load<'a>(&'a self, saga: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Instance>, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().sagas.row(saga, key).map(|row| row.instance.clone())) })
    }

    fn list<'a>(
        &'a self,
        filter: &'a SagaFilter,
        behind: Option<(&'a str, &'a str)>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().sagas.list(filter, behind, limit)) })
    }

    fn claim<'a>(
        &'a self,
        member: &'a str,
        sagas: &'a [Text],
        now: SystemTime,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move {
            let (mut claimed, member) = (Vec::new(), Text::from(member));
            let instances = &mut self.0.lock().sagas;
            while claimed.len() < limit as usize {
                let first = instances.first_due(sagas).filter(|(due, ..)| *due <= now);
                let Some((_, saga, key)) = first.map(|(due, saga, key)| (due, saga.clone(), key)) else { break };
                claimed.extend(instances.change(&saga, &key, |row| {
                    row.instance.owner = member.clone();
                    row.instance.due = None;
                    row.instance.revision += 1;
                    row.instance.clone()
                }));
            }
            Ok(claimed)
        })
    }

    fn next_due<'a>(&'a self, sagas: &'a [Text]) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().sagas.first_due(sagas).map(|(due, ..)| due)) })
    }

    fn owned<'a>(&'a self, member: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>> {
        Box::pin(async move {
            let instances = &self.0.lock().sagas;
            let owned = instances.owned.get(member).into_iter().flatten().take(limit as usize);
            Ok(owned.filter_map(|(saga, key)| Some(instances.row(saga, key)?.instance.clone())).collect())
        })
    }

    fn orphan<'a>(
        &'a self,
        dead: &'a str,
        beat: Option<i64>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let instances = &mut self.0.lock().sagas;
            let known = instances.members.get(dead).copied().unwrap_or_default();
            if beat.is_some_and(|beat| beat != known) {
                return Ok(0);
            }
            let owned = instances.owned.get(dead).cloned().unwrap_or_default();
            for (saga, key) in &owned {
                instances.change(saga, key, |row| {
                    row.instance.owner = Text::default();
                    row.instance.due = Some(now);
                    row.instance.revision += 1;
                });
            }
            Ok(owned.len() as u64)
        })
    }

    fn save<'a>(
        &'a self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(async move {
            let saved = self.0.lock().sagas.change(&instance.saga, &instance.key, |row| {
                if !row.is(instance.revision, owner) {
                    return Saved::Lost;
                }
                row.write(instance, instance.revision + 1, now);
                row.wake(now);
                Saved::Yes { wish: row.instance.wish, mail: row.has_awaited() }
            });
            Ok(saved.unwrap_or(Saved::Lost))
        })
    }

    fn wish<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        wish: SagaWish,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<SagaState>, StoreError>> {
        Box::pin(async move {
            Ok(self.0.lock().sagas.change(saga, key, |row| {
                let instance = &mut row.instance;
                if !instance.state.is_finished() {
                    instance.wish.get_or_insert(wish);
                    instance.parked = None;
                    if instance.owner.is_empty() {
                        instance.due = Some(now);
                    }
                }
                instance.state
            }))
        })
    }

    fn resume<'a>(&'a self, saga: &'a str, key: &'a str, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let resumed = self.0.lock().sagas.change(saga, key, |row| {
                let was_parked = row.instance.parked.take().is_some();
                if was_parked {
                    row.instance.due = Some(now);
                }
                was_parked
            });
            Ok(resumed.unwrap_or_default())
        })
    }

    fn mail<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>> {
        Box::pin(async move {
            let instances = &self.0.lock().sagas;
            let mut mail = instances.row(saga, key).into_iter().flat_map(|row| &row.mail);
            Ok(mail.find(|(of, _)| of == step).map(|(_, message)| message.clone()))
        })
    }

    fn forget_finished(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let instances = &mut self.0.lock().sagas;
            let old = instances.finished_before(before, limit);
            for (saga, key) in &old {
                instances.remove(saga, key);
            }
            Ok(old.len() as u64)
        })
    }

    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, StoreError>> {
        Box::pin(async { Ok(self.0.lock().sagas.counts()) })
    }

    fn beat<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            *self.0.lock().sagas.members.entry(member.into()).or_default() += 1;
            Ok(())
        })
    }

    fn members(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>> {
        Box::pin(async {
            let Instances { members, owned, .. } = &self.0.lock().sagas;
            let strangers = owned.keys().filter(|owner| !members.contains_key(*owner)).map(|owner| (owner.clone(), 0));
            Ok(members.iter().map(|(name, beat)| (name.clone(), *beat)).chain(strangers).collect())
        })
    }

    fn leave<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.lock().sagas.members.remove(member);
            Ok(())
        })
    }

    fn state<'a>(&'a self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().sagas.states.get(kind).and_then(|states| states.get(key)).cloned()) })
    }
}
