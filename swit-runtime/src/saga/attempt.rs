//! One attempt at a function of a saga: its context, its transaction, the wall around it.
//!
//! Guarantee: what it does in its transaction and what it publishes happens together with its end being written down
//! ([`Ended::save`]), or not at all; whatever it does short of aborting the process, whoever runs it gets an answer.

use std::{future::poll_fn, pin::pin, sync::Arc, time::SystemTime};

use super::step::{Seen, View};
use crate::{
    context::{Context, Receiver},
    failpoint::{self, Failpoint},
    limits::DEFAULT_TIMEOUT,
    message::Message,
    outcome::{Failure, FailureKind, Outcome},
    pipeline::{Guard, ended},
    registry::{KeyOf, SagaCall},
    scope::Scope,
    store::{Fate, Instance, Lease, Saved, Store, StoreError, Turn},
    text::Text,
    trace::within,
    transport::{BoxFuture, Delivery},
};

/// A function that is called, made ready once.
#[derive(Debug)]
pub(super) struct Callee {
    pub(super) call: &'static SagaCall,
    pub(super) receiver: Arc<Receiver>,
}

impl Callee {
    /// `place` is what its publications' ids are derived from: it must not change.
    pub(super) fn new(call: &'static SagaCall, saga: &str, place: &str) -> Self {
        let name: Text = format!("{saga}/{place}").into();
        let receiver = Receiver::new(name, saga.to_owned(), "", "default", call.timeout);
        Self { call, receiver: Arc::new(receiver) }
    }
}

/// What is called, and with what.
pub(super) struct Call<'a> {
    pub(super) callee: &'a Callee,
    pub(super) view: View,
    pub(super) message: Arc<Message>,
    /// From 1.
    pub(super) attempt: u32,
    pub(super) key: Option<KeyOf>,
    /// What stands behind that key.
    pub(super) suffix: &'static str,
}

/// An attempt that succeeded and is not written down yet.
pub(super) struct Ended {
    /// JSON.
    pub(super) output: String,
    lease: Arc<Lease>,
    confirmed: Vec<BoxFuture<'static, ()>>,
}

impl Call<'_> {
    /// Makes the attempt.
    ///
    /// # Errors
    /// There is no transaction to be had: nothing was called.
    pub(super) async fn make(
        self,
        scope: &Arc<Scope>,
        store: &dyn Store,
    ) -> Result<Result<Ended, Failure>, StoreError> {
        let lease = if self.callee.call.transacts { Lease::new(store.begin().await?) } else { Lease::default() };
        Ok(self.make_in(scope, lease).await)
    }

    async fn make_in(mut self, scope: &Arc<Scope>, lease: Lease) -> Result<Ended, Failure> {
        let lease = Arc::new(lease);
        let mut cx = Context::new(scope.clone(), self.callee.receiver.clone());
        cx.begin(Delivery::unsettled(self.message.clone()), self.attempt);
        if let Some(correlation) = &self.view.opening.correlation {
            cx.set_correlation_id(correlation.as_str());
        }
        cx.set_lease(Some(lease.clone()));
        cx.insert_extension(Seen(Arc::new(self.view.clone())));
        if let Some(key) = self.key {
            let key = key(&cx)?;
            self.view.idempotency_key = format!("{key}{}", self.suffix).into();
            self.view.step_key = key.into();
            cx.insert_extension(Seen(Arc::new(self.view)));
        }
        cx.begin_trace();
        failpoint::hit(Failpoint::BeforeStep);
        // What it asks of the database beside its transaction would wait for that, where only one writes at a time.
        let (outcome, output) = Turn::during(lease.turn(), run(self.callee.call, &mut cx)).await;
        failpoint::hit(Failpoint::AfterStep);
        cx.end_trace(ended(&outcome));
        let confirmed = cx.take_confirmed();
        drop(cx);
        match outcome {
            Outcome::Success => Ok(Ended { output, lease, confirmed }),
            Outcome::Failed(failure) => Err(undone(&lease, failure)),
            // Nobody makes these of a step.
            other => Err(undone(&lease, Failure::new(FailureKind::Handler, format!("{other:?}")))),
        }
    }
}

/// Nothing of it has happened.
fn undone(lease: &Lease, failure: Failure) -> Failure {
    lease.abandon();
    failure
}

async fn run(call: &SagaCall, cx: &mut Context) -> (Outcome, String) {
    let (scope, flow) = (cx.scope().clone(), cx.trace().cloned());
    let traced = scope.trace().map(|tracer| &**tracer).zip(flow.as_ref());
    let mut guard = Guard::new(call.timeout);
    let mut output = String::new();
    let rules = cx.receiver().rules.clone();
    let outcome = {
        let output = &mut output;
        let mut attempt = pin!(Some(async move {
            match (call.call)(cx).await {
                Ok(written) => {
                    *output = written;
                    Outcome::Success
                }
                Err(failure) => failure.into(),
            }
        }));
        poll_fn(|task| within(traced, || guard.poll(attempt.as_mut(), task))).await
    };
    match outcome {
        Outcome::Failed(mut failure) => {
            failure.ask(&rules);
            (Outcome::Failed(failure), output)
        }
        outcome => (outcome, output),
    }
}

impl Ended {
    /// Writes down that it ended: with its writes and its publications, in one transaction. An instance that waits for an
    /// event which is there already is saved as `awake` makes it.
    ///
    /// # Errors
    /// What the database said: then nothing of it has happened, but after [`StoreError::Unavailable`], where nobody knows.
    pub(super) async fn save(
        self,
        store: &dyn Store,
        instance: &mut Instance,
        owner: &str,
        now: SystemTime,
        awake: impl FnOnce(&mut Instance),
    ) -> Result<Saved, StoreError> {
        // A publication that is still under way where nobody looks holds up nobody else.
        let parts = tokio::time::timeout(DEFAULT_TIMEOUT, self.lease.parts()).await;
        let parts = parts.map_err(|_| StoreError::Over)?;
        let work = match parts.work {
            // What it published needs one, and so does looking for an event while nobody can bring it.
            None if parts.enlisted.is_empty() && instance.waits.is_none() => None,
            None if self.lease.had_work() => return Err(StoreError::Over),
            None => Some(store.begin().await?),
            work => work,
        };
        let saved = match work {
            None => {
                failpoint::hit(Failpoint::BeforeCommit);
                store.sagas().save(instance, owner, now).await?
            }
            Some(mut work) => {
                if !parts.enlisted.is_empty() {
                    work.enlist(&parts.enlisted, now).await?;
                }
                let mut saved = work.save_saga(instance, owner, now).await?;
                if let Saved::Yes { mail: true, .. } = saved {
                    instance.revision += 1;
                    let left = instance.owner.clone();
                    awake(instance);
                    saved = work.save_saga(instance, &left, now).await?;
                }
                if saved == Saved::Lost {
                    return Ok(saved);
                }
                failpoint::hit(Failpoint::BeforeCommit);
                work.commit().await?;
                saved
            }
        };
        failpoint::hit(Failpoint::AfterCommit);
        if saved == Saved::Lost {
            return Ok(saved);
        }
        for then in parts.then {
            then(Fate::Committed);
        }
        for then in self.confirmed {
            // As after a subscriber's handler, what panics or takes too long is given up.
            let _ = tokio::time::timeout(DEFAULT_TIMEOUT, crate::walled::walled(|| then)).await;
        }
        Ok(saved)
    }
}
