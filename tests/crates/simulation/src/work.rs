//! A transaction of a process. After an error in it nothing of it can be committed, as on a server.

use std::{any::Any, sync::Arc, time::SystemTime};

use bytes::Bytes;
use swit::{
    Message, Statement, StoreError,
    store::{Claim, Delivered, Enlisted, Instance, Row, SagaWork, Saved, Work},
    transport::BoxFuture,
};

use crate::process::Process;

pub(crate) struct WeatheredWork {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Box<dyn Work>,
    pub(crate) broken: bool,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

macro_rules! through {
    ($self:ident, $doing:literal, $what:expr, $call:expr) => {{
        let Self { process, inner, broken } = $self;
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
        through!(self, "claiming ", subscriber, |inner: &'a mut Box<dyn Work>| inner.claim(subscriber, id, now))
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
        let Self { process, inner, broken } = *self;
        Box::pin(async move {
            if broken {
                return Err(StoreError::Failed { source: "as the world said".into() });
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
        through!(self, "saving ", told(instance), |inner: &'a mut Box<dyn Work>| inner.save_saga(instance, owner, now))
    }

    fn deliver_to_saga<'a>(
        &'a mut self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
        message: &'a Message,
        now: SystemTime,
    ) -> Answer<'a, Delivered> {
        through!(self, "bringing to ", key, |inner: &'a mut Box<dyn Work>| {
            inner.deliver_to_saga(saga, key, step, message, now)
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
        through!(self, "writing a state of ", key, |inner: &'a mut Box<dyn Work>| {
            inner.set_state(kind, key, version, body, now)
        })
    }
}

/// An instance, for whoever reads a trace.
pub(crate) fn told(instance: &Instance) -> impl std::fmt::Display + use<> {
    let Instance { key, revision, state, owner, journal, .. } = instance;
    let owner = if owner.is_empty() { "at rest" } else { "run" };
    format!("{key} r{revision} {state} {owner} {journal}")
}
