//! Publishing from handlers, middleware, providers and `main`.
//!
//! Guarantee: `publish` returns `Ok` only when the broker has confirmed the message; for a publisher that says `async`,
//! when its queue has taken it.
//!
//! A publication goes from [`Publisher`] through its outlet (`outlet.rs`): an asynchronous one first through a queue
//! (`background.rs`); then along the path (`path.rs`): middleware, check, compression (`compress.rs`), batch
//! (`batch.rs`), and through the port (`port.rs`) to the transport. What is not answered at once is a flight
//! (`flight.rs`), which goes on when nobody waits for it and which a flush waits for.

mod all;
mod background;
mod batch;
mod check;
mod config;
mod confirmation;
mod failure;
mod flight;
mod gate;
mod home;
mod named;
mod origin;
mod outlet;
mod outlets;
mod path;
mod port;
mod sending;
#[cfg_attr(not(feature = "prometheus"), path = "series_absent.rs")]
mod series;
mod transactional;
mod turns;

use std::{fmt, marker::PhantomData, time::Duration};

pub use config::PublisherConfig;
pub use confirmation::Confirmation;
pub use failure::{FailedPublication, OnPublishFailure};
pub(crate) use home::{Home, Tasks};
pub use named::bind;
pub(crate) use named::plain;
use origin::Origin;
pub use outlet::Outlet;
pub use outlets::PublisherStats;
pub(crate) use outlets::{ChainEntry, Outlets};
pub(crate) use port::Outgoing;
pub use sending::Sending;
pub(crate) use series::Published;
#[cfg(feature = "prometheus")]
pub(crate) use series::{BATCHES, FIRST, LAST, Series};
pub(crate) use transactional::publish_within;

use crate::{
    batch::Item,
    context::Context,
    error::PublishError,
    event::{Event, Unrouted},
    extract::{FromDelivery, FromScope, Requirements},
    id::MessageId,
    message::Message,
    outcome::{Failure, FailureKind},
    registry::{PublisherItem, Publishes},
    scope::Scope,
    text::Text,
};

/// How long a publish under a delivery waits for room and for its confirmation, where its publisher says nothing else.
pub const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes events and messages.
///
/// `Publisher` alone publishes any event to the transport `default`, or to the one it was made for.
/// `Publisher<OrderCreatedPublisher>` is the one that `#[publisher]` on that struct describes: it publishes the struct's
/// event, as its options say.
///
/// Taken as an argument of a handler, what it publishes carries the input's correlation and derived ids, so that a
/// retried handler publishes the same ids again. Cheap to clone.
pub struct Publisher<P = ()> {
    origin: Origin,
    item: PhantomData<fn() -> P>,
}

impl Publisher {
    /// A publisher to the transport of this name.
    ///
    /// # Errors
    /// [`PublishError::NoTransport`].
    pub fn of(scope: &Scope, transport: &str) -> Result<Self, PublishError> {
        Ok(Self::from_outlet(named::plain(scope, transport)?))
    }

    /// Publishes a message to a computed topic; else as [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`publish`](Self::publish), and [`PublishError::Topic`] for a topic that is none.
    pub fn publish_to(&self, topic: impl Into<Text>, mut message: Message) -> Confirmation {
        message.topic = topic.into();
        self.origin.start(message, Duration::ZERO, Unrouted::Warn)
    }
}

impl<P: PublisherItem> Publisher<P> {
    /// The publisher of this type.
    ///
    /// # Errors
    /// [`PublishError::NoPublisher`].
    pub(crate) fn named(scope: &Scope) -> Result<Self, PublishError> {
        named::outlet_of::<P>(scope).map(Self::from_outlet)
    }

    pub(crate) fn from_outlet(outlet: Outlet) -> Self {
        Self { origin: Origin::new(outlet, None), item: PhantomData }
    }

    /// Publishes an event to its topic. Awaited, it gives the message's id once the broker has confirmed it.
    ///
    /// The publication starts at once, so that several can be on their way together; they go out in the order in which
    /// they were made. Cancel-safe in that the message is published whether or not the answer is awaited, but whoever
    /// cancels does not learn what became of it.
    ///
    /// # Errors
    /// Everything of [`PublishError`]; [`PublishError::Unrouted`] only where event or publisher say `unrouted = "error"`.
    pub fn publish<E: Event>(&self, event: &E) -> Confirmation
    where
        P: Publishes<E>,
    {
        match self.encode(event) {
            Ok(message) => self.origin.start(message, Duration::ZERO, event.descriptor().unrouted),
            Err(error) => Confirmation::refused(error),
        }
    }

    /// Publishes an event with a key, headers, a delay, a time to live or a priority of its own.
    ///
    /// ```ignore
    /// publisher.publish_with(&reminder).delay(Duration::from_secs(60)).header("x-tenant", "a").send().await?;
    /// ```
    pub fn publish_with<'a, E: Event>(&'a self, event: &E) -> Sending<'a>
    where
        P: Publishes<E>,
    {
        Sending::new(&self.origin, self.encode(event), event.descriptor().unrouted)
    }

    /// This publisher under one message of a batch: what it publishes carries that message's correlation and ids derived
    /// from it, whichever batch the message is in when it is attempted again.
    pub fn under<T>(&self, item: &Item<T>) -> Self {
        Self { origin: self.origin.under(item.link()), item: PhantomData }
    }

    /// Publishes many events in their order, up to 1,000 of them on their way at once. Answers in their order.
    ///
    /// The next event is taken when there is place in the window, so that an iterator over millions holds no more than
    /// that. Cancelled, it publishes what it has started and nothing more.
    pub async fn publish_all<'a, E: Event>(
        &self,
        events: impl IntoIterator<Item = &'a E>,
    ) -> Vec<Result<MessageId, PublishError>>
    where
        P: Publishes<E>,
    {
        // A batch that is larger than the window could fill up only by waiting.
        let window = all::WINDOW.max(self.origin.outlet.path.batch_of());
        all::publish_all(events.into_iter().map(|event| self.publish(event)), window).await
    }

    /// Waits until everything that this publisher was given until now is answered, confirmed or failed; what is held back
    /// for a batch goes out at once.
    ///
    /// A named publisher is one wherever it is taken. Without a name, everything that is published without one to the same
    /// transport counts. Answers go to whoever awaits each publication, not here. Cancel-safe.
    pub async fn flush(&self) {
        self.origin.outlet.flush().await;
    }

    fn encode<E: Event>(&self, event: &E) -> Result<Message, PublishError>
    where
        P: Publishes<E>,
    {
        let mut message = event.encode().map_err(PublishError::from).inspect_err(|error| {
            self.origin.outlet.path.home().failed(event.descriptor().topic, error);
        })?;
        if let Some(key) = P::key(event) {
            message.key = Some(key);
        }
        Ok(message)
    }
}

impl<P> Clone for Publisher<P> {
    fn clone(&self) -> Self {
        Self { origin: self.origin.clone(), item: PhantomData }
    }
}

impl<P> fmt::Debug for Publisher<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.origin.outlet.path.name().map_or("", Text::as_str);
        f.debug_struct("Publisher").field("name", &name).finish_non_exhaustive()
    }
}

impl<P: PublisherItem> FromScope for Publisher<P> {
    const PUBLISHES: bool = true;

    fn requires(requirements: &mut Requirements) {
        if P::REGISTRATION.is_some() {
            requirements.publisher::<P>();
        }
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Self::named(scope).map_err(|error| Failure::classified(FailureKind::Extract, error))
    }

    fn beside_batch(scope: &Scope) -> Result<Self, Failure> {
        let publisher = Self::from_scope(scope)?;
        Ok(Self { origin: publisher.origin.under_delivery(), item: PhantomData })
    }
}

impl<P: PublisherItem> FromDelivery for Publisher<P> {
    type Rejection = Failure;

    fn requires(requirements: &mut Requirements) {
        <Self as FromScope>::requires(requirements);
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        let outlet = named::outlet_of::<P>(cx.scope());
        let outlet = outlet.map_err(|error| Failure::classified(FailureKind::Extract, error))?;
        Ok(Self { origin: Origin::new(outlet, Some(cx.share_link())), item: PhantomData })
    }
}
