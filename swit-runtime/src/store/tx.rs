//! A transaction as handlers see it.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use serde::Serialize;

use super::{Lease, Row, Statement, StoreError, Work};
use crate::{
    context::{Context, Link},
    extract::{FromDelivery, Requirements},
    outcome::{Failure, FailureKind},
    scope::Scope,
};

/// The transaction of an attempt, as an argument of a subscriber with an inbox.
///
/// What is written in it happens together with the claim of the message and with everything that is published, after the
/// handler returned `Ok`; if it fails, nothing of it does. It is lent: there is no `commit`, and kept longer than the
/// handler runs, the attempt fails.
///
/// ```ignore
/// #[subscriber(topic = "order.created", inbox)]
/// async fn reserve(order: OrderCreated, mut tx: Tx) -> Result<Publish<Reserved>, OutOfStock> {
///     let taken = Statement::new("UPDATE stock SET remaining = remaining - $1 WHERE sku = $2 AND remaining >= $1");
///     if tx.execute(taken.bind(order.quantity).bind(&order.sku)).await? == 0 {
///         return Err(OutOfStock);
///     }
///     Ok(Publish(Reserved { order: order.id }))
/// }
/// ```
pub struct Tx {
    /// `None` only while it is dropped.
    work: Option<Box<dyn Work>>,
    lease: Arc<Lease>,
    /// What ties it to a delivery, where it is the transaction of one.
    link: Option<Link>,
    scope: Arc<Scope>,
}

impl Tx {
    fn of(lease: Arc<Lease>, link: Option<Link>, scope: Arc<Scope>) -> Result<Self, StoreError> {
        let work = Some(lease.take().ok_or(StoreError::Over)?);
        Ok(Self { work, lease, link, scope })
    }

    /// Executes a statement that both databases understand. Says how many rows it changed.
    ///
    /// # Errors
    /// What the database said. Nothing that follows in the same transaction succeeds then, on PostgreSQL.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        self.work()?.execute(statement).await
    }

    /// Reads all rows of a statement that both databases understand.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<Row>, StoreError> {
        self.work()?.fetch(statement).await
    }

    /// Keeps what came of the message with its claim, to be read by whoever asks
    /// ([`Database::result`](super::Database::result)): one value, the last one counts.
    ///
    /// # Errors
    /// It can't be written as JSON, the transaction is not one of a delivery, or what the database said.
    pub async fn keep<T: Serialize + Sync>(&mut self, result: &T) -> Result<(), StoreError> {
        let lease = self.lease.clone();
        let (claimant, message) = lease.claim().ok_or(StoreError::NoClaim)?;
        let written = serde_json::to_vec(result)
            .map_err(|source| StoreError::Refused { doing: "writing the result as JSON", source: source.into() })?;
        let mut id = [0; 36];
        self.work()?.keep(claimant, message.encode(&mut id), written.into()).await
    }

    /// The transaction itself.
    pub(crate) fn work(&mut self) -> Result<&mut (dyn Work + 'static), StoreError> {
        self.work.as_deref_mut().ok_or(StoreError::Over)
    }

    pub(crate) fn lease(&self) -> &Arc<Lease> {
        &self.lease
    }

    pub(crate) fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            self.lease.give_back(work);
        }
    }
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("system", &self.work.as_ref().map(|work| work.system())).finish_non_exhaustive()
    }
}

impl FromDelivery for Tx {
    type Rejection = Failure;

    const TRANSACTS: bool = true;

    fn requires(requirements: &mut Requirements) {
        requirements.database();
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        let lease = cx.lease().cloned().ok_or(StoreError::NoClaim);
        let link = cx.share_link();
        lease
            .and_then(|lease| Self::of(lease, Some(link), cx.scope().clone()))
            .map_err(|error| Failure::classified(FailureKind::Extract, error))
    }
}

/// A transaction of one's own, outside of any delivery: what is published in it goes out once it is committed. Dropped,
/// nothing of it has happened.
///
/// ```ignore
/// let mut tx = database.begin().await?;
/// tx.execute(Statement::new("INSERT INTO orders (id) VALUES ($1)").bind(id)).await?;
/// tx.publish(&OrderCreated { id })?;
/// tx.commit().await?;
/// ```
#[derive(Debug)]
#[must_use = "nothing happens before `commit`"]
pub struct Transaction(Tx);

impl Transaction {
    pub(crate) fn new(work: Box<dyn Work>, scope: Arc<Scope>) -> Result<Self, StoreError> {
        Tx::of(Arc::new(Lease::new(work)), None, scope).map(Self)
    }

    /// Makes all of it happen.
    ///
    /// # Errors
    /// What the database said. [`StoreError::Unavailable`]: whether it happened is not known.
    pub async fn commit(self) -> Result<(), StoreError> {
        let (lease, clock) = (self.0.lease.clone(), self.0.scope.clock().clone());
        drop(self);
        lease.commit(clock.now()).await
    }
}

impl Deref for Transaction {
    type Target = Tx;
    fn deref(&self) -> &Tx {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.0
    }
}
