//! The inbox: what makes an attempt's effects happen once, however often its message comes.
//!
//! ```text
//! begin → claim → handler → what it published into the outbox → commit → (the message is acknowledged)
//! ```
//!
//! Guarantee: the claim of (subscriber, message id) is in the transaction that the handler writes in. A message whose claim
//! was committed is acknowledged without the handler; one whose transaction was not, whatever ended it, is as it was before.

use std::sync::Arc;

use super::conclude::publish_all;
use crate::{
    context::Context,
    failpoint::{self, Sabotage},
    middleware::{Middleware, Next},
    outcome::{Failure, FailureKind, Outcome},
    publisher::plain,
    said::about,
    store::{Claim, Lease, StoreError, Turn},
    text::Text,
    transport::BoxFuture,
};

/// Stands around a handler, inside of all middleware: what middleware refuses costs no transaction.
#[derive(Debug)]
pub(crate) struct Inbox;

impl Middleware for Inbox {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let claimant = cx.receiver().subscriber.clone();
            let claimed = match claim(cx, claimant).await {
                Ok(claimed) => claimed,
                Err(outcome) => return outcome,
            };
            let outcome = claimed.around(next.run(cx)).await;
            claimed.conclude(cx, outcome).await
        })
    }
}

/// A message that was claimed, in the transaction that its handler runs in. Dropped, it was not.
pub(crate) struct Claimed(Arc<Lease>);

/// Claims the message of this context for a claimant, and has all that follows in it happen in the claim's transaction.
///
/// # Errors
/// The outcome of the attempt: success, if the message was handled before.
pub(crate) async fn claim(cx: &mut Context, claimant: Text) -> Result<Claimed, Outcome> {
    let lease = match open(cx, claimant).await {
        Ok(Some(lease)) => Arc::new(lease),
        Ok(None) => {
            cx.receiver().was_duplicate();
            about!(debug, cx.message(), trace = cx.scope().trace_of(cx.message()), { subscriber = %cx.receiver().subscriber }, "a duplicate; it was handled");
            return Err(Outcome::Success);
        }
        Err(failure) => return Err(failure.into()),
    };
    cx.set_lease(Some(lease.clone()));
    Ok(Claimed(lease))
}

/// `None`: it was handled.
async fn open(cx: &Context, claimant: Text) -> Result<Option<Lease>, Failure> {
    let scope = cx.scope();
    let store = scope.store().ok_or_else(|| failed(StoreError::NoDatabase))?;
    let id = &cx.message().id;
    if id.is_empty() {
        return Err(Failure::invalid_input("the message has no id, by which the inbox would know it"));
    }
    let (id, mut text) = (id.clone(), [0; 36]);
    let mut work = store.begin().await.map_err(failed)?;
    match work.claim(&claimant, id.encode(&mut text), scope.clock().now()).await.map_err(failed)? {
        Claim::Duplicate if !failpoint::is_broken(Sabotage::ForgetTheClaim) => Ok(None),
        _ => Ok(Some(Lease::claimed(work, claimant, id))),
    }
}

impl Claimed {
    /// Runs the handler in it.
    pub(crate) async fn around<F: Future>(&self, handler: F) -> F::Output {
        Turn::during(self.0.turn(), handler).await
    }

    /// Commits what succeeded, and undoes what did not.
    pub(crate) async fn conclude(self, cx: &mut Context, outcome: Outcome) -> Outcome {
        let outcome = if outcome.is_success() {
            match self.publish(cx).await {
                Ok(()) => match self.0.commit(cx.scope().clock().now()).await {
                    Ok(()) => Outcome::Success,
                    Err(error) => failed(error).into(),
                },
                Err(failure) => failure.into(),
            }
        } else {
            outcome
        };
        cx.set_lease(None);
        outcome
    }

    /// What the handler returned goes the way of what it published.
    async fn publish(&self, cx: &mut Context) -> Result<(), Failure> {
        if cx.emissions().is_empty() {
            return Ok(());
        }
        let emissions = cx.take_emissions();
        let refused = |error| Failure::classified(FailureKind::Publish, error);
        let outlet = plain(cx.scope(), &cx.receiver().transport).map_err(refused)?;
        publish_all(&outlet, emissions, cx.under(), Some(&self.0)).await.map_err(refused)
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn failed(error: StoreError) -> Failure {
    Failure::classified(FailureKind::Store, error)
}
