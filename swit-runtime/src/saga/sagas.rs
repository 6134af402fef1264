//! Sagas as arguments take them: to start, to tell, to ask.

use std::{fmt, marker::PhantomData, sync::Arc, time::SystemTime};

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::{
    Engine, Journal, Opening, SagaError,
    definition::Definition,
    journal::{micros, read},
};
use crate::{
    context::{Context, Link},
    extract::{FromDelivery, FromScope, Requirements},
    id::MessageId,
    message::Message,
    outcome::{Failure, FailureKind},
    registry::Saga,
    scope::Scope,
    store::{AT_ONCE, Database, Delivered, Fate, Instance, SagaState, SagaWish, StoreError, Tx},
    text::Text,
};

/// Longest key, in bytes.
const LONGEST_KEY: usize = 512;
/// How often whoever waits for an end looks, where other processes may bring it about.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// The instances of a saga, as an argument of handlers, steps, providers and health checks.
///
/// ```ignore
/// #[subscriber(topic = "order.created", inbox)]
/// async fn place(order: OrderCreated, sagas: Sagas<PlaceOrder>, mut tx: Tx) -> Result<(), SagaError> {
///     sagas.start_in(&mut tx, &PlaceOrder::of(order)).await?;
///     Ok(())
/// }
/// ```
pub struct Sagas<S> {
    engine: Arc<Engine>,
    database: Database,
    saga: PhantomData<fn() -> S>,
}

/// An instance that was started, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Started {
    /// Its key.
    pub key: Text,
    /// Whether it was started now. If not, there was one with this key already, which goes on as it was.
    pub is_new: bool,
}

/// Where an instance is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SagaStatus {
    /// Its key.
    pub key: Text,
    /// Its id, which idempotency keys begin with.
    pub id: Text,
    /// Where it is.
    pub state: SagaState,
    /// The step that is next, or runs; while it is undone, the step that is being undone.
    pub step: Option<Text>,
    /// Why nobody goes on with it, until somebody says so.
    pub parked: Option<Text>,
    /// The last error.
    pub error: Option<String>,
    /// When somebody goes on with it next.
    pub due: Option<SystemTime>,
    /// When it was started.
    pub started_at: SystemTime,
    /// When it was written last.
    pub updated_at: SystemTime,
    journal: Arc<Journal>,
}

impl SagaStatus {
    fn of(instance: Instance) -> Result<Self, SagaError> {
        let (_, journal) = read(&instance)?;
        let Instance { key, id, state, parked, due, started_at, updated_at, .. } = instance;
        let (step, error) = (journal.at.clone(), journal.error.clone());
        let journal = Arc::new(journal);
        Ok(Self { key, id, state, step, parked, error, due, started_at, updated_at, journal })
    }

    /// The steps that were done and are not undone, in their order.
    pub fn done(&self) -> impl Iterator<Item = &str> {
        self.journal.done.iter().filter(|done| !done.undone && done.output.is_some()).map(|done| &*done.step)
    }

    /// What came of a step, whether or not it was undone since.
    ///
    /// # Errors
    /// It is not of this type.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>, SagaError> {
        let read = |output: &RawValue| serde_json::from_str(output.get());
        let failed = |source| SagaError::Output { step: step.into(), source };
        self.journal.output(step).map(read).transpose().map_err(failed)
    }
}

impl<S: Saga> Sagas<S> {
    const NAME: &'static str = S::REGISTRATION.name;

    /// Starts an instance, in a transaction of its own.
    ///
    /// # Errors
    /// Its key or its content can't be kept, or what the database said.
    pub async fn start(&self, saga: &S) -> Result<Started, SagaError> {
        let mut tx = self.database.begin().await?;
        let started = self.start_in(&mut tx, saga).await?;
        tx.commit().await?;
        Ok(started)
    }

    /// Starts an instance with this transaction: it begins once that is committed, and never if it is not.
    ///
    /// # Errors
    /// Its key or its content can't be kept, or what the database said.
    pub async fn start_in(&self, tx: &mut Tx, saga: &S) -> Result<Started, SagaError> {
        let definition = self.definition()?;
        let instance = self.opened(definition, tx.link(), saga)?;
        let key = instance.key.clone();
        let is_new = tx.work()?.start_saga(&instance).await?;
        if is_new {
            let untold = Untold { engine: self.engine.clone(), instance: Some(instance) };
            tx.lease().then(Box::new(move |fate| untold.told(fate)));
        }
        Ok(Started { key, is_new })
    }

    fn opened(&self, definition: &Definition, link: Option<&Link>, saga: &S) -> Result<Instance, SagaError> {
        let key = saga.key();
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Err(SagaError::Key { saga: Self::NAME, bytes: key.len() });
        }
        let failed = |source| SagaError::Input { saga: Self::NAME, source };
        let input = serde_json::value::to_raw_value(saga).map_err(failed)?;
        let now = self.database.scope().clock().now();
        let opening = Opening {
            input,
            correlation: link.and_then(Link::correlation_id).map(|id| id.to_string()),
            trace: link.and_then(Link::carried).map(Opening::trace_of).unwrap_or_default(),
            deadline: definition.registration.timeout.map(|timeout| micros(now + timeout)),
        };
        let mut journal = definition.blank();
        let mut instance = Instance {
            saga: Text::from_static(Self::NAME),
            key: key.into(),
            id: MessageId::new(now).to_string().into(),
            version: definition.registration.version,
            revision: 0,
            state: SagaState::Pending,
            owner: self.engine.member().clone(),
            waits: None,
            due: None,
            parked: None,
            wish: None,
            opening: serde_json::to_string(&opening).map_err(failed)?.into(),
            journal: Text::default(),
            started_at: now,
            updated_at: now,
        };
        let is_full = self.engine.is_full(definition);
        definition.open(&mut instance, &opening, &mut journal, now, is_full);
        instance.journal = journal.written();
        Ok(instance)
    }

    /// Keeps an event for the step that waits for it, with this transaction. One that comes before its step waits for it;
    /// of several the first counts.
    ///
    /// # Errors
    /// There is no instance with this key yet, or it is over without the event.
    #[doc(hidden)]
    pub async fn deliver_in(
        &self,
        tx: &mut Tx,
        step: &'static str,
        key: &str,
        event: Arrived,
    ) -> Result<(), SagaError> {
        let now = self.database.scope().clock().now();
        let delivered = tx.work()?.deliver_to_saga(Self::NAME, key, step, &event.0, now).await?;
        match delivered {
            Delivered::Duplicate | Delivered::Kept => Ok(()),
            Delivered::Awaited => {
                let engine = self.engine.clone();
                tx.lease().then(Box::new(move |_| engine.stir()));
                Ok(())
            }
            Delivered::NoInstance => Err(SagaError::NoInstance { saga: Self::NAME, key: key.into() }),
            Delivered::Finished(state) => Err(SagaError::Ended { saga: Self::NAME, key: key.into(), state }),
        }
    }

    /// Where the instance with this key is.
    ///
    /// # Errors
    /// What the database said.
    pub async fn find(&self, key: &str) -> Result<Option<SagaStatus>, SagaError> {
        self.engine.store().sagas().load(Self::NAME, key).await?.map(SagaStatus::of).transpose()
    }

    /// Has what was done be undone: a step that runs ends first, and where it was the last one, there is nothing to cancel any
    /// more. Says where it was; `None`: there is no such instance. One that is over stays as it is. It happens beside any
    /// `Tx`, at once.
    ///
    /// # Errors
    /// What the database said.
    pub async fn cancel(&self, key: &str) -> Result<Option<SagaState>, SagaError> {
        let state = self.engine.store().sagas().wish(Self::NAME, key, SagaWish::Cancel, AT_ONCE).await?;
        self.engine.stir();
        Ok(state)
    }

    /// Goes on with an instance that is parked. Says whether it was.
    ///
    /// # Errors
    /// What the database said.
    pub async fn resume(&self, key: &str) -> Result<bool, SagaError> {
        let was_parked = self.engine.store().sagas().resume(Self::NAME, key, AT_ONCE).await?;
        self.engine.stir();
        Ok(was_parked)
    }

    /// Waits until the instance is over or parked.
    ///
    /// # Errors
    /// There is no instance with this key, or what the database said.
    pub async fn ended(&self, key: &str) -> Result<SagaStatus, SagaError> {
        let ear = self.engine.listen(Self::NAME, key);
        loop {
            let mut ended = std::pin::pin!(ear.ended());
            ended.as_mut().enable();
            let found = self.find(key).await?;
            let found = found.ok_or_else(|| SagaError::NoInstance { saga: Self::NAME, key: key.into() })?;
            if found.state.is_finished() || found.parked.is_some() {
                return Ok(found);
            }
            let _ = tokio::time::timeout(LOOK, ended).await;
        }
    }

    /// Of a service that runs.
    pub(crate) fn of(scope: &Arc<Scope>) -> Result<Self, SagaError> {
        let engine = scope.get::<Engine>().filter(|engine| engine.definition(Self::NAME).is_some());
        let engine = engine.ok_or(SagaError::NotRun { saga: Text::from_static(Self::NAME) })?;
        let database = Database::of(scope).ok_or(StoreError::NoDatabase)?;
        Ok(Self { engine, database, saga: PhantomData })
    }

    fn definition(&self) -> Result<&Definition, SagaError> {
        let found = self.engine.definition(Self::NAME);
        found.map(|(_, definition)| &**definition).ok_or(SagaError::NotRun { saga: Text::from_static(Self::NAME) })
    }
}

/// An instance of which nobody has said yet that it is started. If nobody ever does, it may be all the same: whoever
/// committed was not answered, or did not wait for it.
struct Untold {
    engine: Arc<Engine>,
    instance: Option<Instance>,
}

impl Untold {
    fn told(mut self, fate: Fate) {
        let instance = self.instance.take();
        if let Some(instance) = instance.filter(|_| fate == Fate::Committed) {
            self.engine.begin(instance);
        }
    }
}

impl Drop for Untold {
    fn drop(&mut self) {
        if self.instance.is_some() {
            self.engine.doubt();
        }
    }
}

impl<S> Clone for Sagas<S> {
    fn clone(&self) -> Self {
        Self { engine: self.engine.clone(), database: self.database.clone(), saga: PhantomData }
    }
}

impl<S> fmt::Debug for Sagas<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sagas<{}>", crate::event::short_type_name::<S>())
    }
}

impl<S: Saga> FromScope for Sagas<S> {
    fn requires(requirements: &mut Requirements) {
        requirements.saga(Self::NAME);
    }

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        let engine = scope.get::<Engine>().ok_or_else(|| {
            Failure::classified(FailureKind::Extract, SagaError::NotRun { saga: Text::from_static(Self::NAME) })
        })?;
        Ok(Self { engine, database: Database::from_scope(scope)?, saga: PhantomData })
    }
}

impl<S: Saga> FromDelivery for Sagas<S> {
    type Rejection = Failure;

    fn requires(requirements: &mut Requirements) {
        <Self as FromScope>::requires(requirements);
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Self::of(cx.scope()).map_err(|error| Failure::classified(FailureKind::Extract, error))
    }
}

/// The event that came, as it came. Taken by generated code.
#[doc(hidden)]
#[derive(Debug)]
pub struct Arrived(Message);

impl FromDelivery for Arrived {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Ok(Self(cx.message().clone()))
    }
}
