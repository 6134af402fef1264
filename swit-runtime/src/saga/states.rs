//! What a saga knows that nobody orchestrates: subscribers that each do their part, and a state that they share.
//!
//! Guarantee: a state is written over the version that was read, and no other; whoever comes too late gets
//! [`SagaError::Stale`], which is transient, so that its delivery is tried again and reads what is there now.

use std::{
    fmt,
    marker::PhantomData,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

use super::SagaError;
use crate::{
    context::Context,
    extract::{FromDelivery, FromScope, Requirements},
    outcome::Failure,
    scope::Scope,
    store::{Database, StoreError, Tx},
    text::Text,
};

/// A state that subscribers share, one a key.
///
/// ```ignore
/// #[derive(Serialize, Deserialize, Default)]
/// struct OrderFlow { paid: bool, shipped: bool }
///
/// impl Choreographed for OrderFlow {
///     const NAME: &'static str = "order-flow";
/// }
/// ```
pub trait Choreographed: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What kind of state it is: no other type has this name.
    const NAME: &'static str;
}

/// The states of a choreographed saga, as an argument of subscribers with an inbox.
///
/// ```ignore
/// #[subscriber(topic = "payment.taken", inbox)]
/// async fn paid(event: PaymentTaken, flows: States<OrderFlow>, mut tx: Tx) -> Result<(), SagaError> {
///     let mut flow = flows.load_or_default(&mut tx, &event.order).await?;
///     flow.paid = true;
///     flows.save(&mut tx, flow).await
/// }
/// ```
pub struct States<T> {
    database: Database,
    state: PhantomData<fn() -> T>,
}

/// A state, with the version that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned<T> {
    key: Text,
    /// `None`: there was none.
    version: Option<i64>,
    value: T,
}

impl<T> Versioned<T> {
    /// Its key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Its version, from 1; `None`: it was never saved.
    pub fn version(&self) -> Option<i64> {
        self.version
    }

    /// The state alone.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Versioned<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Versioned<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Choreographed> States<T> {
    /// The state of this key, as this transaction sees it.
    ///
    /// # Errors
    /// It is not of this type, or what the database said.
    pub async fn load(&self, tx: &mut Tx, key: &str) -> Result<Option<Versioned<T>>, SagaError> {
        let found = tx.work()?.state(T::NAME, key).await?;
        found.map(|(version, body)| versioned(key, version, &body)).transpose()
    }

    /// The state of this key, or a new one that is not saved yet.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn load_or_default(&self, tx: &mut Tx, key: &str) -> Result<Versioned<T>, SagaError>
    where
        T: Default,
    {
        let found = self.load(tx, key).await?;
        Ok(found.unwrap_or_else(|| Versioned { key: key.into(), version: None, value: T::default() }))
    }

    /// The state of this key as it was committed last, outside of any transaction.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn find(&self, key: &str) -> Result<Option<Versioned<T>>, SagaError> {
        let found = self.database.store().sagas().state(T::NAME, key).await?;
        found.map(|(version, body)| versioned(key, version, &body)).transpose()
    }

    /// Writes the first state of this key.
    ///
    /// # Errors
    /// There is one already ([`SagaError::Stale`]), or what the database said.
    pub async fn insert(&self, tx: &mut Tx, key: &str, value: T) -> Result<(), SagaError> {
        self.save(tx, Versioned { key: key.into(), version: None, value }).await
    }

    /// Writes a state over the version that was read.
    ///
    /// # Errors
    /// Somebody else wrote it since ([`SagaError::Stale`]), or what the database said.
    pub async fn save(&self, tx: &mut Tx, state: Versioned<T>) -> Result<(), SagaError> {
        let refused =
            |source: serde_json::Error| StoreError::Refused { doing: "writing a state as JSON", source: source.into() };
        let body = serde_json::to_vec(&state.value).map_err(refused)?;
        self.set(tx, &state.key, state.version, Some(body.into())).await
    }

    /// Removes a state that was read.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub async fn remove(&self, tx: &mut Tx, state: Versioned<T>) -> Result<(), SagaError> {
        if state.version.is_none() {
            return Ok(());
        }
        self.set(tx, &state.key, state.version, None).await
    }

    async fn set(&self, tx: &mut Tx, key: &Text, version: Option<i64>, body: Option<Bytes>) -> Result<(), SagaError> {
        let now = self.database.scope().clock().now();
        if tx.work()?.set_state(T::NAME, key, version, body, now).await? {
            return Ok(());
        }
        Err(SagaError::Stale { kind: T::NAME, key: key.clone() })
    }
}

fn versioned<T: Choreographed>(key: &str, version: i64, body: &[u8]) -> Result<Versioned<T>, SagaError> {
    let refused = |source: serde_json::Error| StoreError::Refused { doing: "reading a state", source: source.into() };
    let value = serde_json::from_slice(body).map_err(refused)?;
    Ok(Versioned { key: key.into(), version: Some(version), value })
}

impl<T> Clone for States<T> {
    fn clone(&self) -> Self {
        Self { database: self.database.clone(), state: PhantomData }
    }
}

impl<T> fmt::Debug for States<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "States<{}>", crate::event::short_type_name::<T>())
    }
}

impl<T: Choreographed> FromScope for States<T> {
    fn requires(requirements: &mut Requirements) {
        requirements.database();
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(Self { database: Database::from_scope(scope)?, state: PhantomData })
    }
}

impl<T: Choreographed> FromDelivery for States<T> {
    type Rejection = Failure;

    fn requires(requirements: &mut Requirements) {
        requirements.database();
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Ok(Self { database: Database::from_delivery(cx).await?, state: PhantomData })
    }
}
