//! The service's database, as arguments take it.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use super::{Depth, Parked, Store, StoreError, Transaction};
use crate::{
    context::Context,
    extract::{FromDelivery, FromScope, Requirements},
    outcome::{Failure, FailureKind},
    scope::Scope,
};

/// The service's database: `database.url`, by default a SQLite file of the service's name.
///
/// An argument of handlers, middleware, providers and health checks. In a subscriber with an inbox take [`Tx`](super::Tx)
/// instead to write: what is written by the way of the database happens whatever becomes of the attempt, and on SQLite,
/// which has one writer at a time, it is refused there ([`StoreError::OwnTurn`]): it would wait for the attempt's own
/// transaction in vain.
#[derive(Clone)]
pub struct Database {
    store: Arc<dyn Store>,
    scope: Home,
}

/// Where its transactions find the publishers: the scope of the delivery, or the one that is still being built.
#[derive(Clone)]
enum Home {
    Shared(Arc<Scope>),
    Growing(Box<Scope>),
}

impl Database {
    /// Opens a transaction of one's own.
    ///
    /// # Errors
    /// What the database said.
    pub async fn begin(&self) -> Result<Transaction, StoreError> {
        Transaction::new(self.store.begin().await?, self.shared_scope())
    }

    /// What the subscriber of this name kept as the result of the message with this id ([`Tx::keep`](super::Tx::keep)).
    /// `None`: it has not handled it, or kept nothing, or it is longer ago than `database.retention`.
    ///
    /// # Errors
    /// What the database said, or that the result is not of this type.
    pub async fn result<T: DeserializeOwned>(&self, subscriber: &str, id: &str) -> Result<Option<T>, StoreError> {
        let Some(Some(kept)) = self.store.result(subscriber, id).await? else { return Ok(None) };
        let read = serde_json::from_slice(&kept);
        read.map(Some).map_err(|source| StoreError::Refused { doing: "reading a kept result", source: source.into() })
    }

    /// Whether the subscriber of this name has handled the message with this id, within `database.retention`.
    ///
    /// # Errors
    /// What the database said.
    pub async fn has_handled(&self, subscriber: &str, id: &str) -> Result<bool, StoreError> {
        Ok(self.store.result(subscriber, id).await?.is_some())
    }

    /// How much lies in the outbox.
    ///
    /// # Errors
    /// What the database said.
    pub async fn outbox(&self) -> Result<Depth, StoreError> {
        self.store.outbox().depth().await
    }

    /// The first so many publications that could not be made, behind this row (0: from the first).
    ///
    /// # Errors
    /// What the database said.
    pub async fn parked(&self, behind: i64, limit: u32) -> Result<Vec<Parked>, StoreError> {
        self.store.outbox().parked(behind, limit).await
    }

    /// Has parked publications made again: these rows, or all. Says how many.
    ///
    /// # Errors
    /// What the database said.
    pub async fn replay_parked(&self, rows: Option<&[i64]>) -> Result<u64, StoreError> {
        self.store.outbox().replay(rows).await
    }

    /// The database's name: `postgresql`, `sqlite` or `memory`.
    pub fn system(&self) -> &'static str {
        self.store.system()
    }

    /// The store itself, for whoever knows which one it is:
    /// `database.store().as_any().downcast_ref::<swit::stores::SqlStore>()`.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The service around it.
    pub(crate) fn scope(&self) -> &Scope {
        match &self.scope {
            Home::Shared(scope) => scope,
            Home::Growing(scope) => scope,
        }
    }

    /// The service around it, to be kept.
    pub(crate) fn shared_scope(&self) -> Arc<Scope> {
        match &self.scope {
            Home::Shared(scope) => scope.clone(),
            Home::Growing(scope) => Arc::new((**scope).clone()),
        }
    }

    /// The database of a service, where it has one.
    pub(crate) fn of(scope: &Arc<Scope>) -> Option<Self> {
        Some(Self { store: scope.store()?.clone(), scope: Home::Shared(scope.clone()) })
    }
}

fn missing() -> Failure {
    Failure::classified(FailureKind::Extract, StoreError::NoDatabase)
}

impl FromScope for Database {
    fn requires(requirements: &mut Requirements) {
        requirements.database();
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        let store = scope.store().cloned().ok_or_else(missing)?;
        Ok(Self { store, scope: Home::Growing(Box::new(scope.clone())) })
    }
}

impl FromDelivery for Database {
    type Rejection = Failure;

    fn requires(requirements: &mut Requirements) {
        requirements.database();
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Self::of(cx.scope()).ok_or_else(missing)
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("system", &self.system()).finish_non_exhaustive()
    }
}
