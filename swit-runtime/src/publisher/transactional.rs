//! Publishing in a transaction: into the outbox, with everything else that is written in it.

use std::{sync::Arc, time::Duration};

use super::{Confirmation, Origin, Publisher, named};
use crate::{
    context::Link,
    error::PublishError,
    event::Event,
    id::MessageId,
    registry::{PublisherItem, PublishesIn},
    scope::Scope,
    store::{Lease, Tx},
};

/// Publishes an event to the transport `default`, into this transaction, under a new id. What it is tied to, if to anything,
/// gives it the rest.
pub(crate) async fn publish_within<E: Event>(
    scope: &Scope,
    lease: &Arc<Lease>,
    link: Option<&Link>,
    event: &E,
) -> Result<MessageId, PublishError> {
    let message = event.encode()?.with_id(MessageId::new(scope.clock().now()));
    let origin = Origin::new(named::plain(scope, "default")?, link.cloned()).within(lease.clone());
    origin.start(message, Duration::ZERO, event.descriptor().unrouted).await
}

impl Tx {
    /// Publishes an event in this transaction, to the transport `default`: it goes out once the transaction is committed,
    /// and not at all if it is not. The answer says that it was taken in, after middleware.
    ///
    /// # Errors
    /// What of [`PublishError`] is about the message itself.
    pub async fn publish<E: Event>(&mut self, event: &E) -> Result<MessageId, PublishError> {
        let message = event.encode()?;
        self.start(named::plain(self.scope(), "default")?, message, event).await
    }

    fn start<E: Event>(&self, outlet: super::Outlet, message: crate::message::Message, event: &E) -> Confirmation {
        let origin = Origin::new(outlet, self.link().cloned()).within(self.lease().clone());
        origin.start(message, Duration::ZERO, event.descriptor().unrouted)
    }
}

impl<P: PublisherItem> Publisher<P> {
    /// Publishes an event in this transaction, as this publisher's options say: it goes out once the transaction is
    /// committed, and not at all if it is not. The answer says that it was taken in, after middleware.
    ///
    /// # Errors
    /// What of [`PublishError`] is about the message itself.
    pub async fn publish_in<E: Event>(&self, tx: &mut Tx, event: &E) -> Result<MessageId, PublishError>
    where
        P: PublishesIn<E>,
    {
        let mut message = event.encode()?;
        if let Some(key) = P::key_in(event) {
            message.key = Some(key);
        }
        tx.start(self.origin.outlet.clone(), message, event).await
    }

    /// Publishes an event into this transaction, as this publisher's options say, as [`publish_within`] does.
    pub(crate) async fn publish_within<E: Event>(
        &self,
        scope: &Scope,
        lease: &Arc<Lease>,
        link: Option<&Link>,
        event: &E,
    ) -> Result<MessageId, PublishError>
    where
        P: PublishesIn<E>,
    {
        let mut message = event.encode()?.with_id(MessageId::new(scope.clock().now()));
        if let Some(key) = P::key_in(event) {
            message.key = Some(key);
        }
        let origin = Origin::new(self.origin.outlet.clone(), link.cloned()).within(lease.clone());
        origin.start(message, Duration::ZERO, event.descriptor().unrouted).await
    }
}
