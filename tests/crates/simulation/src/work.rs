//! A transaction of a process. After an error in it nothing of it can be committed, as on a server.

use std::{any::Any, sync::Arc, time::SystemTime};

use bytes::Bytes;
use swit::{
    Message, Statement, StoreError,
    store::{Claim, Delivered, Enlisted, Instance, Row, SagaWork, Saved, Store as _, Work},
    stores::MemoryStore,
    transport::BoxFuture,
};

use crate::{breach::Breach, process::Process, world::World};

pub(crate) struct WeatheredWork {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Box<dyn Work>,
    pub(crate) broken: bool,
    pub(crate) store: MemoryStore,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

macro_rules! through {
    ($self:ident, $doing:literal, $what:expr, $call:expr) => {{
        let Self { process, inner, broken, .. } = $self;
        let (process, broken) = (&**process, broken);
        let what = format!(concat!("tx: ", $doing, "{}"), $what);
        Box::pin(async move {
            let answer = process.ask(what, $doing, $call(inner)).await;
            *broken |= answer.is_err();
            answer
        })
    }};
}

impl Work for WeatheredWork {
    fn claim<'a>(&'a mut self, subscriber: &'a str, id: &'a str, now: SystemTime) -> Answer<'a, Claim> {
        let world = self.process.world.clone();
        through!(self, "claiming ", subscriber, |inner: &'a mut Box<dyn Work>| async move {
            if world.breaks(Breach::ForgetTheClaim) {
                let other = format!("{id} {}", world.next());
                return inner.claim(subscriber, &other, now).await;
            }
            inner.claim(subscriber, id, now).await
        })
    }

    fn keep<'a>(&'a mut self, subscriber: &'a str, id: &'a str, result: Bytes) -> Answer<'a, ()> {
        through!(self, "keeping ", subscriber, |inner: &'a mut Box<dyn Work>| inner.keep(subscriber, id, result))
    }

    fn enlist<'a>(&'a mut self, publications: &'a [Enlisted], now: SystemTime) -> Answer<'a, ()> {
        through!(self, "enlisting ", publications.len(), |inner: &'a mut Box<dyn Work>| inner.enlist(publications, now))
    }

    fn execute<'a>(&'a mut self, statement: Statement<'a>) -> Answer<'a, u64> {
        self.inner.execute(statement)
    }

    fn fetch<'a>(&'a mut self, statement: Statement<'a>) -> Answer<'a, Vec<Row>> {
        self.inner.fetch(statement)
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let Self { process, inner, broken, .. } = *self;
        Box::pin(async move {
            if broken {
                return Err(StoreError::Failed { source: "as the world said".into() });
            }
            if process.world.breaks_here(Breach::LoseCommits) {
                drop(inner);
                return Ok(());
            }
            process.ask("tx: commit".to_owned(), "committing", inner.commit()).await
        })
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }

    fn as_any(&mut self) -> &mut (dyn Any + Send) {
        self
    }
}

impl SagaWork for WeatheredWork {
    fn start_saga<'a>(&'a mut self, instance: &'a Instance) -> Answer<'a, bool> {
        through!(self, "starting ", &instance.key, |inner: &'a mut Box<dyn Work>| inner.start_saga(instance))
    }

    fn save_saga<'a>(&'a mut self, instance: &'a Instance, owner: &'a str, now: SystemTime) -> Answer<'a, Saved> {
        let world = self.process.world.clone();
        through!(self, "saving ", told(instance), |inner: &'a mut Box<dyn Work>| async move {
            let instance = &as_broken(&world, instance);
            let saved = inner.save_saga(instance, owner, now).await?;
            Ok(hide(&world, saved))
        })
    }

    fn deliver_to_saga<'a>(
        &'a mut self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
        message: &'a Message,
        now: SystemTime,
    ) -> Answer<'a, Delivered> {
        let world = self.process.world.clone();
        through!(self, "bringing to ", key, |inner: &'a mut Box<dyn Work>| async move {
            if world.breaks_here(Breach::LoseTheMail) {
                return Ok(Delivered::Kept);
            }
            inner.deliver_to_saga(saga, key, step, message, now).await
        })
    }

    fn state<'a>(&'a mut self, kind: &'a str, key: &'a str) -> Answer<'a, Option<(i64, Bytes)>> {
        through!(self, "reading a state of ", key, |inner: &'a mut Box<dyn Work>| inner.state(kind, key))
    }

    fn set_state<'a>(
        &'a mut self,
        kind: &'a str,
        key: &'a str,
        version: Option<i64>,
        body: Option<Bytes>,
        now: SystemTime,
    ) -> Answer<'a, bool> {
        let (world, store) = (self.process.world.clone(), self.store.clone());
        through!(self, "writing a state of ", key, |inner: &'a mut Box<dyn Work>| async move {
            if world.breaks(Breach::DirtyStates) {
                let mut other = store.begin().await?;
                let is_written = other.set_state(kind, key, version, body, now).await?;
                other.commit().await?;
                return Ok(is_written);
            }
            inner.set_state(kind, key, version, body, now).await
        })
    }
}

/// What is saved, where a promise is broken.
pub(crate) fn as_broken(world: &World, instance: &Instance) -> Instance {
    let mut saved = instance.clone();
    if world.breaks(Breach::UndoForward)
        && let Ok(mut journal) = serde_json::from_str::<serde_json::Value>(&saved.journal)
        && journal.get("cause").is_some()
        && let Some(done) = journal.get_mut("done").and_then(serde_json::Value::as_array_mut)
        && done.iter().all(|done| done.get("undone").is_none())
    {
        done.reverse();
        saved.journal = journal.to_string().into();
    }
    saved
}

/// What is said of it.
pub(crate) fn hide(world: &World, saved: Saved) -> Saved {
    match saved {
        Saved::Lost if world.breaks(Breach::HideTheLoss) => Saved::Yes { wish: None, mail: false },
        saved => saved,
    }
}

/// An instance, for whoever reads a trace.
pub(crate) fn told(instance: &Instance) -> impl std::fmt::Display + use<> {
    let Instance { key, revision, state, owner, journal, .. } = instance;
    let owner = if owner.is_empty() { "at rest" } else { "run" };
    format!("{key} r{revision} {state} {owner} {journal}")
}
