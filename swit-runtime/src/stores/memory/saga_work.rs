//! What an open transaction does to sagas in memory: it is kept aside, and looked at again when it is committed. What is not as
//! it was then, and was relied on, fails the commit as a conflict.

use std::{mem, time::SystemTime};

use bytes::Bytes;

use super::{
    MemoryWork,
    instances::{Instances, Row},
};
use crate::{
    message::Message,
    store::{Delivered, Instance, SagaWork, Saved, StoreError},
    text::Text,
    transport::BoxFuture,
};

/// What a transaction has touched so far.
#[derive(Default)]
pub(super) struct Touched {
    instances: Vec<TouchedInstance>,
    states: Vec<TouchedState>,
}

struct TouchedInstance {
    saga: Text,
    key: Text,
    from: From,
    /// What the row is to be, where it is written, and since when.
    to: Option<(Instance, SystemTime)>,
    mail: Vec<(Text, Message, SystemTime)>,
}

/// What a row has to be when it is written.
enum From {
    /// Whatever it is, as long as it is there and not finished: events come for it.
    Any,
    /// There is none: it is started.
    Nothing,
    /// This revision, of this owner.
    Revision(i64, Text),
}

struct TouchedState {
    kind: Text,
    key: Text,
    /// The version that it has to have.
    from: Option<i64>,
    to: Option<(i64, Bytes)>,
}

fn conflict(what: &str, key: &str) -> StoreError {
    let source = format!("another transaction wrote {what} `{key}`").into();
    StoreError::Conflict { doing: "committing", source }
}

impl Touched {
    pub(super) fn is_empty(&self) -> bool {
        self.instances.is_empty() && self.states.is_empty()
    }

    /// The saga and key of those that are started here.
    pub(super) fn starting(&self) -> impl Iterator<Item = (Text, Text)> {
        let started = self.instances.iter().filter(|touched| matches!(touched.from, From::Nothing));
        started.map(|touched| (touched.saga.clone(), touched.key.clone()))
    }

    fn find(&self, saga: &str, key: &str) -> Option<&TouchedInstance> {
        self.instances.iter().find(|touched| touched.saga == *saga && touched.key == *key)
    }

    /// What is noted of an instance.
    fn touch(&mut self, saga: &str, key: &str) -> &mut TouchedInstance {
        let at = self.instances.iter().position(|touched| touched.saga == *saga && touched.key == *key);
        let at = at.unwrap_or_else(|| {
            let (saga, key) = (saga.into(), key.into());
            self.instances.push(TouchedInstance { saga, key, from: From::Any, to: None, mail: Vec::new() });
            self.instances.len() - 1
        });
        &mut self.instances[at]
    }

    /// Whether all of it can be written.
    ///
    /// # Errors
    /// Another transaction wrote what this one relied on.
    pub(super) fn check(&self, instances: &Instances) -> Result<(), StoreError> {
        for touched in &self.instances {
            let row = instances.row(&touched.saga, &touched.key);
            let is_as_it_was = match (&touched.from, row) {
                (From::Nothing, row) => row.is_none(),
                (_, None) => false,
                (From::Any, Some(row)) => !row.instance.state.is_closed(),
                (From::Revision(revision, owner), Some(row)) => row.is(*revision, owner),
            };
            if !is_as_it_was || touched.mail.iter().any(|(step, ..)| row.is_some_and(|row| row.has_mail(step))) {
                return Err(conflict("the instance", &touched.key));
            }
        }
        for touched in &self.states {
            let state = instances.states.get(&touched.kind).and_then(|states| states.get(&touched.key));
            if state.map(|(version, _)| *version) != touched.from {
                return Err(conflict("the state", &touched.key));
            }
        }
        Ok(())
    }

    /// Writes all of it, after it was checked.
    pub(super) fn write(self, instances: &mut Instances) {
        for TouchedInstance { saga, key, from, to, mail } in self.instances {
            let since = to.as_ref().map(|(_, since)| *since).or(mail.last().map(|(_, _, since)| *since));
            match (from, to) {
                (From::Nothing, Some((instance, now))) => {
                    instances.starting.remove(&(saga.clone(), key.clone()));
                    instances.insert(Row::new(instance, now));
                }
                (_, Some((instance, now))) => {
                    instances.change(&saga, &key, |row| row.write(&instance, instance.revision, now));
                }
                (_, None) => {}
            }
            instances.change(&saga, &key, |row| {
                row.mail.extend(mail.into_iter().map(|(step, message, _)| (step, message)));
                // An event may have come since it was looked for, and an instance may have come to wait since its event came.
                if let Some(since) = since {
                    row.wake(since);
                }
            });
        }
        for TouchedState { kind, key, to, .. } in self.states {
            let states = instances.states.entry(kind).or_default();
            match to {
                Some(state) => states.insert(key, state),
                None => states.remove(&key),
            };
        }
    }
}

impl TouchedInstance {
    fn has_mail(&self, step: &str) -> bool {
        self.mail.iter().any(|(of, ..)| of == step)
    }
}

impl SagaWork for MemoryWork {
    fn start_saga<'a>(&'a mut self, instance: &'a Instance) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let entry = (instance.saga.clone(), instance.key.clone());
            let store = self.store.clone();
            loop {
                let decided = store.decided.notified();
                {
                    let instances = &mut store.lock().sagas;
                    if instances.row(&entry.0, &entry.1).is_some() || self.sagas.find(&entry.0, &entry.1).is_some() {
                        return Ok(false);
                    }
                    if instances.starting.insert(entry.clone()) {
                        let touched = self.sagas.touch(&entry.0, &entry.1);
                        touched.from = From::Nothing;
                        touched.to = Some((Instance { wish: None, ..instance.clone() }, instance.updated_at));
                        return Ok(true);
                    }
                }
                decided.await;
            }
        })
    }

    fn save_saga<'a>(
        &'a mut self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(async move {
            let (saga, key) = (&instance.saga, &instance.key);
            let instances = &self.store.lock().sagas;
            let row = instances.row(saga, key);
            let own = self.sagas.find(saga, key);
            let is_there = match (own.and_then(|touched| touched.to.as_ref()), row) {
                (Some((own, _)), _) => own.revision == instance.revision && own.owner == owner,
                (None, Some(row)) => row.is(instance.revision, owner),
                (None, None) => false,
            };
            if !is_there {
                return Ok(Saved::Lost);
            }
            let mail = instance.waits.as_ref().is_some_and(|step| {
                row.is_some_and(|row| row.has_mail(step)) || own.is_some_and(|own| own.has_mail(step))
            });
            let saved = Saved::Yes { wish: row.and_then(|row| row.instance.wish), mail };
            let touched = self.sagas.touch(saga, key);
            if matches!(touched.from, From::Any) {
                touched.from = From::Revision(instance.revision, owner.into());
            }
            // Saved twice, it is written once, as often further as it was saved.
            let mut next = Instance { revision: instance.revision + 1, updated_at: now, ..instance.clone() };
            if let Some((before, _)) = touched.to.take() {
                let Instance { id, opening, started_at, .. } = before;
                next = Instance { id, opening, started_at, wish: None, ..next };
            }
            touched.to = Some((next, now));
            Ok(saved)
        })
    }

    fn deliver_to_saga<'a>(
        &'a mut self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
        message: &'a Message,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Delivered, StoreError>> {
        Box::pin(async move {
            let instances = &self.store.lock().sagas;
            let row = instances.row(saga, key);
            let own = self.sagas.find(saga, key);
            let written = own.and_then(|touched| touched.to.as_ref()).map(|(instance, _)| instance);
            let Some(instance) = written.or(row.map(|row| &row.instance)) else { return Ok(Delivered::NoInstance) };
            if row.is_some_and(|row| row.has_mail(step)) || own.is_some_and(|own| own.has_mail(step)) {
                return Ok(Delivered::Duplicate);
            }
            if instance.state.is_closed() {
                return Ok(Delivered::Finished(instance.state));
            }
            let is_awaited = instance.owner.is_empty() && instance.waits.as_deref() == Some(step);
            self.sagas.touch(saga, key).mail.push((step.into(), message.clone(), now));
            Ok(if is_awaited { Delivered::Awaited } else { Delivered::Kept })
        })
    }

    fn state<'a>(&'a mut self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>> {
        Box::pin(async move { Ok(self.seen_state(kind, key)) })
    }

    fn set_state<'a>(
        &'a mut self,
        kind: &'a str,
        key: &'a str,
        version: Option<i64>,
        body: Option<Bytes>,
        _: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            if self.seen_state(kind, key).map(|(version, _)| version) != version {
                return Ok(false);
            }
            let to = body.map(|body| (version.unwrap_or_default() + 1, body));
            let mut own = self.sagas.states.iter_mut();
            if let Some(touched) = own.find(|touched| touched.kind == *kind && touched.key == *key) {
                touched.to = to;
            } else {
                let (kind, key) = (kind.into(), key.into());
                self.sagas.states.push(TouchedState { kind, key, from: version, to });
            }
            Ok(true)
        })
    }
}

impl MemoryWork {
    /// As this transaction sees it.
    fn seen_state(&self, kind: &str, key: &str) -> Option<(i64, Bytes)> {
        let own = self.sagas.states.iter().find(|touched| touched.kind == *kind && touched.key == *key);
        match own {
            Some(touched) => touched.to.clone(),
            None => self.store.lock().sagas.states.get(kind)?.get(key).cloned(),
        }
    }

    /// Writes what was touched.
    ///
    /// # Errors
    /// Another transaction wrote what this one relied on: nothing is written.
    pub(super) fn write_sagas(&mut self, instances: &mut Instances) -> Result<(), StoreError> {
        self.sagas.check(instances)?;
        mem::take(&mut self.sagas).write(instances);
        Ok(())
    }
}
