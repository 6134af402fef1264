//! The outbox as a participant: what is published is held where no relay sees it, until the decision releases it.

use std::{fmt, sync::Arc};

use super::participant::{Open, Opens, TransactionId, TransactionParticipant};
use crate::{
    classify::BoxError,
    context::Link,
    error::PublishError,
    event::Event,
    id::MessageId,
    pipeline::current,
    publisher::Publisher,
    registry::{PublisherItem, PublishesIn},
    scope::Scope,
    store::{Database, Lease, Store},
    transport::BoxFuture,
};

/// The outbox of a database. Prepared, publications lie in the log's database; the decision to commit puts them into the
/// outbox, for relays to bring them to the broker.
///
/// It is the database of the coordinator: `Coordinator::on(&database)`.
#[derive(Clone)]
pub struct MessagingParticipant {
    name: Arc<str>,
    store: Arc<dyn Store>,
    scope: Arc<Scope>,
}

impl MessagingParticipant {
    /// The outbox of this database, as a participant of this name.
    pub fn new(name: &str, database: &Database) -> Self {
        Self { name: name.into(), store: database.store().clone(), scope: database.shared_scope() }
    }
}

/// What is published in a transaction. It goes out once the transaction is committed.
pub struct Outgoing {
    lease: Arc<Lease>,
    /// What ties it to the delivery whose handler runs the transaction.
    link: Option<Link>,
    scope: Arc<Scope>,
}

impl Outgoing {
    /// Publishes an event in this transaction, to the transport `default`. The answer says that it was taken in, after
    /// middleware. In a handler, the event has a new id, and the causation, the correlation and the trace of the delivery.
    ///
    /// # Errors
    /// What of [`PublishError`] is about the message itself.
    pub async fn publish<E: Event>(&mut self, event: &E) -> Result<MessageId, PublishError> {
        crate::publisher::publish_within(&self.scope, &self.lease, self.link.as_ref(), event).await
    }

    /// The same, as this publisher's options say.
    ///
    /// # Errors
    /// What of [`PublishError`] is about the message itself.
    pub async fn publish_by<E: Event, P>(
        &mut self,
        publisher: &Publisher<P>,
        event: &E,
    ) -> Result<MessageId, PublishError>
    where
        P: PublisherItem + PublishesIn<E>,
    {
        publisher.publish_within(&self.scope, &self.lease, self.link.as_ref(), event).await
    }
}

impl TransactionParticipant for MessagingParticipant {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin<'a>(&'a self, _: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        Box::pin(async move {
            Ok(Box::new(Outgoing { lease: Arc::default(), link: current(), scope: self.scope.clone() }) as Open)
        })
    }

    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let outgoing = open.downcast::<Outgoing>().map_err(|_| "what is open is not its own")?;
            let publications = outgoing.lease.gather().await;
            if !publications.is_empty() {
                let now = self.scope.clock().now();
                self.store.decisions().hold(id.id(), &self.name, &publications, now).await?;
            }
            Ok(())
        })
    }

    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            self.store.decisions().release(id.id(), &self.name).await?;
            Ok(())
        })
    }

    /// What is held later all the same goes with the transaction's entry, and can't be held after that.
    fn rollback<'a>(&'a self, id: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        drop(open);
        Box::pin(async move {
            self.store.decisions().discard(id.id(), &self.name).await?;
            Ok(())
        })
    }
}

impl Opens for MessagingParticipant {
    type Part = Outgoing;
}

impl fmt::Debug for MessagingParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessagingParticipant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outgoing")
    }
}
