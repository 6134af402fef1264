//! [`Handle`]: what a service may change of itself while it runs.

use std::{
    any::TypeId,
    fmt,
    sync::{Arc, OnceLock, Weak},
};

use tokio::sync::watch;

use super::dynamic::{Facts, Members, Remaining, SubscriberStatus, Subscription, Unsubscribed};
use crate::{
    context::Context,
    error::{Result, SubscribeError},
    extract::{FromDelivery, FromScope},
    outcome::{Failure, FailureKind},
    publisher::{Outlets, Publisher, PublisherConfig},
    registry::{Arguments, Asynchronous, Boxable, Callable, Handler},
    returns::Return,
    scope::Scope,
    transport::BoxFuture,
};

/// A handle on the running service: an argument of handlers, middleware and providers; [`Running::handle`] and
/// [`App::handle`] for `main`. Cheap to clone.
///
/// ```ignore
/// handle.subscribe(
///     Subscription::new("order.*").name("audit").policies(Policies::new().retries(1)),
///     |event: OrderPlaced, ledger: State<Ledger>| async move { ledger.note(&event.order_id).await },
/// ).await?;
/// handle.pause("audit")?;
/// handle.resume("audit")?;
/// handle.unsubscribe("audit").await?;
/// ```
///
/// Asynchronous calls that are made before the service has started wait until it has; a provider must not await one,
/// since the service starts when its providers are built. The others fail before the start. All of them are safe to be
/// called by many at once, from handlers too, and while the service shuts down.
///
/// [`Running::handle`]: super::Running::handle
/// [`App::handle`]: super::App::handle
#[derive(Debug, Clone)]
pub struct Handle {
    link: Arc<Link>,
}

impl Handle {
    /// Makes a named publisher, with the same options as `#[publisher]`.
    ///
    /// It publishes any event, and messages to computed topics. It lives as long as it or a clone of it does; what its
    /// queue or batch still holds then is published all the same. Its name is free again after that.
    ///
    /// # Errors
    /// [`Error::NotMade`](crate::error::Error): the name is taken, an option is out of range, there is no such transport,
    /// or the service is shutting down. [`SubscribeError::NotRunning`]: the app was not started yet.
    #[expect(clippy::needless_pass_by_value, reason = "a name is for one publisher, so that options are spent on one")]
    pub fn publisher(&self, config: PublisherConfig) -> Result<Publisher> {
        let outlets = self.link.outlets.get().ok_or(SubscribeError::NotRunning)?;
        Ok(Publisher::from_outlet(outlets.make(&config)?))
    }

    /// Subscribes a closure, or an `async fn`, whose arguments are extractors and that returns what a handler may.
    ///
    /// Resolves when the broker says that it takes effect: the queues are declared and bound, and are consumed. All that
    /// holds for a linked subscriber holds for it. An error of the closure converts into a boxed one; one that is
    /// classified is found in it. Dropped before it resolves, it leaves no subscriber; its queue may have been made.
    ///
    /// # Errors
    /// [`SubscribeError`]: the name is taken, the options or what the arguments need are wrong, each with what is wrong,
    /// or the service is shutting down. [`Error::Transport`](crate::error::Error): the broker refused something.
    // Boxed, so that what is wrong with a closure is said once, not again wherever the future is named.
    pub fn subscribe<A, C>(&self, subscription: Subscription, handler: C) -> BoxFuture<'_, Result<()>>
    where
        A: Arguments,
        C: Callable<A>,
        C::Returned: Asynchronous<Run: Send, Out: Return<Error: Boxable>>,
    {
        let facts = Facts::closure::<A, C>(handler);
        Box::pin(async move { self.link.running().await?.subscribe(subscription, facts).await })
    }

    /// Subscribes a linked handler, by its type twin: as its attribute says, but for what the options name. One and the
    /// same handler may be subscribed under several names.
    ///
    /// ```ignore
    /// handle.subscribe_to::<confirm_order>(Subscription::as_written().name("confirm-eu").topic("eu.payment.completed")).await?;
    /// ```
    ///
    /// # Errors
    /// As [`subscribe`](Self::subscribe).
    pub async fn subscribe_to<H: Handler>(&self, subscription: Subscription) -> Result<()> {
        self.link.running().await?.subscribe(subscription, Facts::linked::<H>()).await
    }

    /// Ends a subscriber, linked or not: it stops pulling at once, ends what it is at, and resolves when that is done,
    /// after the service's drain deadline at the latest. Retries that wait in this process go back to the queue.
    ///
    /// Its queue is kept with its bindings, so that nothing is lost, and grows: a warning is logged.
    ///
    /// Called by a handler of this service, it does not wait ([`Unsubscribed::Draining`]): the handler may be what would
    /// be waited for. It goes on if the call is dropped.
    ///
    /// # Errors
    /// [`SubscribeError`]: there is none of this name, or it is being made or unsubscribed by somebody else.
    pub async fn unsubscribe(&self, name: &str) -> Result<Unsubscribed> {
        self.link.running().await?.unsubscribe(name, None).await
    }

    /// Ends a subscriber as [`unsubscribe`](Self::unsubscribe) does, then deletes its queue with its bindings.
    ///
    /// With [`Remaining::Keep`] only an empty queue is deleted; if something lies in it or waits for a retry, it stays, and
    /// the answer says so. With [`Remaining::Delete`] all of that is lost. Either way what is published from then on
    /// does not reach it. The dead-letter queue is kept. A queue that another instance consumes is left as it is.
    ///
    /// # Errors
    /// As [`unsubscribe`](Self::unsubscribe); [`SubscribeError::NotOurs`], before anything is done: it consumes an existing
    /// queue. [`Error::Transport`](crate::error::Error): it has ended, but its queue could not be deleted.
    pub async fn unsubscribe_and_delete(&self, name: &str, remaining: Remaining) -> Result<Unsubscribed> {
        self.link.running().await?.unsubscribe(name, Some(remaining)).await
    }

    /// Pauses a subscriber: no attempt begins any more, be it of what lies in its queue or a retry; what runs already runs
    /// on. What was fetched ahead goes back to the queue, once. Pausing what is paused changes nothing.
    ///
    /// # Errors
    /// [`SubscribeError`]: there is none of this name, it is being made or unsubscribed, or the service does not run.
    pub fn pause(&self, name: &str) -> Result<()> {
        Ok(self.link.running_now()?.pause(name, true)?)
    }

    /// Lets a paused subscriber go on. Resuming what is not paused changes nothing.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub fn resume(&self, name: &str) -> Result<()> {
        Ok(self.link.running_now()?.pause(name, false)?)
    }

    /// All subscribers, the linked ones first; none where the service does not run.
    pub fn list(&self) -> Vec<SubscriberStatus> {
        self.link.running_now().map(|members| members.list()).unwrap_or_default()
    }
}

/// What ties handles to their service.
#[derive(Default)]
pub(super) struct Link {
    outlets: OnceLock<Arc<Outlets>>,
    stage: watch::Sender<Stage>,
}

#[derive(Default)]
enum Stage {
    /// Not started yet.
    #[default]
    Before,
    /// Weak: whoever holds a handle keeps no service alive.
    Running(Weak<Members>),
    /// Not started, or ended.
    Over,
}

impl Link {
    pub(super) fn handle(self: &Arc<Self>) -> Handle {
        Handle { link: self.clone() }
    }

    async fn running(&self) -> Result<Arc<Members>> {
        let mut stage = self.stage.subscribe();
        // The sender is here.
        let _ = stage.wait_for(|stage| !matches!(stage, Stage::Before)).await;
        self.running_now()
    }

    fn running_now(&self) -> Result<Arc<Members>> {
        match &*self.stage.borrow() {
            Stage::Running(members) => members.upgrade().ok_or_else(|| SubscribeError::NotRunning.into()),
            Stage::Before | Stage::Over => Err(SubscribeError::NotRunning.into()),
        }
    }

    /// Publishers can be made from now on, and arguments find the handle.
    pub(super) fn attach(self: &Arc<Self>, outlets: &Arc<Outlets>, scope: &mut Scope) {
        let _ = self.outlets.set(outlets.clone());
        scope.insert(TypeId::of::<Self>(), self.clone());
    }

    /// The service runs.
    pub(super) fn open(&self, members: &Arc<Members>) {
        self.stage.send_replace(Stage::Running(Arc::downgrade(members)));
    }

    /// The service has ended.
    pub(super) fn close(&self) {
        self.stage.send_replace(Stage::Over);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &*self.stage.borrow() {
            Stage::Before => "before the start",
            Stage::Running(_) => "running",
            Stage::Over => "over",
        };
        f.debug_struct("Link").field("stage", &stage).finish_non_exhaustive()
    }
}

/// An app's end of the link: if the app goes away without having become a service, whoever waits learns of it.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    link: Arc<Link>,
}

impl Owner {
    pub(super) fn handle(&self) -> Handle {
        self.link.handle()
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if matches!(&*self.link.stage.borrow(), Stage::Running(_)) {
            return;
        }
        self.link.close();
    }
}

impl FromScope for Handle {
    const PUBLISHES: bool = true;

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        scope
            .get()
            .map(|link| Self { link })
            .ok_or_else(|| Failure::new(FailureKind::Extract, "no app runs here: there is no handle on it"))
    }
}

impl FromDelivery for Handle {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Self::from_scope(cx.scope())
    }
}
