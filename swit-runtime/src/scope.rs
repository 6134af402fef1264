//! What the whole service shares while it runs: state by type, the way out to the transports, the shutdown signal.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, Hasher},
    sync::Arc,
};

use tokio_util::sync::CancellationToken;

use crate::{
    alert::Alerts,
    clock::Clock,
    limits::Limits,
    message::Message,
    said::trace_id,
    store::{Recoveries, Store},
    text::Text,
    trace::Trace,
    transport::Publish,
};

/// A shared value of any type.
pub type Shared = Arc<dyn Any + Send + Sync>;

/// What the whole service shares while it runs.
///
/// Built in two steps: providers see it growing, deliveries see it complete.
#[derive(Clone)]
pub struct Scope {
    states: HashMap<TypeId, Shared, BuildHasherDefault<TypeHash>>,
    core: Arc<Core>,
}

/// A `TypeId` is a hash already: its bytes are taken as they are. Looked up for each argument of each message.
#[derive(Default)]
struct TypeHash(u64);

impl Hasher for TypeHash {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 ^= number;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

struct Core {
    publishers: HashMap<Text, Arc<dyn Publish>>,
    opened: CancellationToken,
    shutdown: CancellationToken,
    clock: Clock,
    limits: Limits,
    service: Service,
    alerts: Alerts,
    trace: Option<Arc<dyn Trace>>,
    store: Option<Arc<dyn Store>>,
    recoveries: Recoveries,
}

/// Who the service is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Service {
    /// Its name: the consumer group where a subscriber names none.
    pub name: Text,
    /// Its version.
    pub version: Text,
    /// This instance's own name: host and process unless configured.
    pub instance: Text,
}

impl Service {
    /// A service with this name.
    pub fn new(name: impl Into<Text>, version: impl Into<Text>, instance: impl Into<Text>) -> Self {
        Self { name: name.into(), version: version.into(), instance: instance.into() }
    }
}

impl Scope {
    /// A scope without state. `publishers` are by transport name.
    pub fn new(
        publishers: HashMap<Text, Arc<dyn Publish>>,
        shutdown: CancellationToken,
        clock: Clock,
        limits: Limits,
        service: Service,
    ) -> Self {
        let (opened, alerts) = (CancellationToken::new(), Alerts::new(clock.clone()));
        Self {
            states: HashMap::default(),
            core: Arc::new(Core {
                publishers,
                opened,
                shutdown,
                clock,
                limits,
                service,
                alerts,
                trace: None,
                store: None,
                recoveries: Recoveries::default(),
            }),
        }
    }

    /// Traced by this. Before it is shared: a scope that is shared stays as it is.
    #[cfg_attr(not(feature = "traces"), expect(dead_code, reason = "nobody traces"))]
    pub(crate) fn set_trace(&mut self, trace: Arc<dyn Trace>) {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.trace = Some(trace);
        }
    }

    /// With this database. Before it is shared: a scope that is shared stays as it is.
    pub(crate) fn set_store(&mut self, store: Arc<dyn Store>) {
        if let Some(core) = Arc::get_mut(&mut self.core) {
            core.store = Some(store);
        }
    }

    /// The database.
    pub fn store(&self) -> Option<&Arc<dyn Store>> {
        self.core.store.as_ref()
    }

    /// Whoever goes on with transactions over several participants.
    pub(crate) fn recoveries(&self) -> &Recoveries {
        &self.core.recoveries
    }

    /// Whoever traces.
    pub(crate) fn trace(&self) -> Option<&Arc<dyn Trace>> {
        self.core.trace.as_ref()
    }

    /// The id of the trace that a message is in, for lines of the log: of whoever traces, else of its `traceparent`.
    pub(crate) fn trace_of(&self, message: &Message) -> Option<String> {
        match self.trace() {
            Some(trace) => trace.trace_of(message).map(|ids| ids.trace_id().to_string()),
            None => trace_id(&message.headers).map(str::to_owned),
        }
    }

    /// Adds a state; one of the same type is replaced.
    pub fn insert(&mut self, id: TypeId, value: Shared) {
        self.states.insert(id, value);
    }

    /// The state of this type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.states.get(&TypeId::of::<T>()).cloned()?.downcast().ok()
    }

    /// Whether there is a state of this type.
    pub fn has(&self, id: TypeId) -> bool {
        self.states.contains_key(&id)
    }

    /// The way into the transport of this name.
    pub fn publisher(&self, transport: &str) -> Option<&Arc<dyn Publish>> {
        self.core.publishers.get(transport)
    }

    /// Cancelled, which here means opened, when connections and topology stand: what is published before waits for it.
    pub fn opened(&self) -> &CancellationToken {
        &self.core.opened
    }

    /// Cancelled when the service begins to shut down.
    pub fn shutdown(&self) -> &CancellationToken {
        &self.core.shutdown
    }

    /// The wall clock.
    pub fn clock(&self) -> &Clock {
        &self.core.clock
    }

    /// The limits on messages.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    /// What alerts are raised with.
    pub fn alerts(&self) -> &Alerts {
        &self.core.alerts
    }

    /// Who the service is.
    pub fn service(&self) -> &Service {
        &self.core.service
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("service", &self.core.service)
            .field("states", &self.states.len())
            .finish_non_exhaustive()
    }
}
