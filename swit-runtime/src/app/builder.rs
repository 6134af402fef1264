//! [`App`]: a selection of the registry with what it is started with.

use std::{any::TypeId, fmt, path::PathBuf, sync::Arc};

use super::{
    config::Layers,
    graph::Graph,
    handle::{Handle, Owner},
    running::Running,
    selection::{Handlers, Selection},
    start,
};
use crate::{
    clock::Clock,
    error::{Result, StartupReport},
    extract::{FromScope, Requirements},
    middleware::{Middleware, PublishMiddleware},
    registry::{
        HealthCheckItem, Location, MiddlewareItem, ProviderRef, PublishMiddlewareItem, PublisherItem, Saga,
        SubscriberRegistration,
    },
    scope::Shared,
    store::{Migrations, Store},
    text::Text,
    transport::{Queue, Transport},
};

/// A service before it is started: which registrations it is made of, and what was said of it in code.
///
/// `swit::run()` is `App::new().run()`. Tests take [`App::only`] and [`App::provide`].
///
/// ```ignore
/// let running = App::only::<(confirm_order,)>().provide(Orders::in_memory()).start().await?;
/// running.publisher()?.publish(&PaymentCompleted { order_id }).await?;
/// running.wait_quiet().await;
/// running.shutdown().await?;
/// ```
#[must_use = "an app does nothing before it is started"]
pub struct App {
    pub(crate) selection: Selection,
    pub(crate) provided: Vec<Provided>,
    pub(crate) middleware: Vec<Added<dyn Middleware>>,
    pub(crate) publish_middleware: Vec<Added<dyn PublishMiddleware>>,
    pub(crate) transports: Vec<Arc<dyn Transport>>,
    pub(crate) layers: Layers,
    pub(crate) service: Option<(Text, Text)>,
    pub(crate) clock: Clock,
    /// Queues that are declared on every transport besides the subscribers' own.
    pub(crate) queues: Vec<Queue>,
    /// Its brokers are about to be replaced by embedded transports, so what they would need of files need not be there.
    pub(crate) embedded: bool,
    /// Names of subscribers that may be made while it runs.
    pub(crate) expected: Vec<Text>,
    /// What they will take.
    pub(crate) required: Vec<(Location, Requires)>,
    pub(crate) handle: Owner,
    /// What is said of its traces in code. Behind a lock that nobody contends for: a check looks at an app that it is not
    /// given.
    #[cfg(feature = "traces")]
    pub(crate) traces: std::sync::Mutex<Option<super::traces::Traces>>,
    pub(crate) part: Part,
    /// The database that was given, in place of the configured one.
    pub(crate) store: Option<Arc<dyn Store>>,
    /// The application's own tables.
    pub(crate) migrations: Vec<Migrations>,
    /// Serves the pages for operators also where nobody said so.
    pub(crate) serves: bool,
}

/// What of a service an app is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Part {
    /// All of it.
    #[default]
    Whole,
    /// On a broker it only looks in: it builds no providers and takes no messages from those that serve.
    Visitor,
    /// The same, and it publishes what lies in the outbox.
    Relay,
    /// The same, but that it builds the providers, to go on with transactions that their coordinators left.
    Recovery,
}

/// A state that was given instead of built.
#[derive(Clone)]
pub(crate) struct Provided {
    pub(crate) id: TypeId,
    pub(crate) value: Shared,
}

/// Says what an argument requires.
pub(crate) type Requires = fn(&mut Requirements);

/// Middleware that was given as a value.
pub(crate) struct Added<M: ?Sized> {
    pub(crate) name: Text,
    pub(crate) order: i32,
    pub(crate) middleware: Arc<M>,
}

impl<M: ?Sized> Clone for Added<M> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), order: self.order, middleware: self.middleware.clone() }
    }
}

impl App {
    /// Everything that was linked, configured by `swit.toml` and the environment.
    pub fn new() -> Self {
        Self::with(Selection::all(), Layers::new())
    }

    /// These subscribers alone, without global middleware or providers unless they are named, and without looking at
    /// files or the environment.
    pub fn only<H: Handlers>() -> Self {
        Self::with(Selection::only(H::registrations()), Layers::none())
    }

    fn with(selection: Selection, layers: Layers) -> Self {
        Self {
            selection,
            provided: Vec::new(),
            middleware: Vec::new(),
            publish_middleware: Vec::new(),
            transports: Vec::new(),
            layers,
            service: None,
            clock: Clock::SYSTEM,
            queues: Vec::new(),
            embedded: false,
            expected: Vec::new(),
            required: Vec::new(),
            handle: Owner::default(),
            #[cfg(feature = "traces")]
            traces: std::sync::Mutex::default(),
            part: Part::Whole,
            store: None,
            migrations: Vec::new(),
            serves: false,
        }
    }

    /// Without files and environment: attributes and builder calls only.
    pub fn without_environment(mut self) -> Self {
        self.layers = Layers::none();
        self
    }

    /// Called this, in this version. Configuration overrides it.
    pub fn service(mut self, name: impl Into<Text>, version: impl Into<Text>) -> Self {
        self.service = Some((name.into(), version.into()));
        self
    }

    /// With this value as `State<T>`, in place of the provider that builds one.
    pub fn provide<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.provide_shared(Arc::new(value))
    }

    /// With this shared value as `State<T>`, in place of the provider that builds one.
    pub fn provide_shared<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        let id = TypeId::of::<T>();
        self.provided.retain(|known| known.id != id);
        self.provided.push(Provided { id, value });
        self
    }

    /// With the linked provider of this type. For apps of [`App::only`].
    pub fn with_provider_of<T: Send + Sync + 'static>(mut self) -> Self {
        let wanted =
            inventory::iter::<ProviderRef>().map(|found| found.0).filter(|p| (p.output)() == TypeId::of::<T>());
        for provider in wanted {
            if !self.selection.providers.iter().any(|known| std::ptr::eq(*known, provider)) {
                self.selection.providers.push(provider);
            }
        }
        self.selection.sort();
        self
    }

    /// With this health check. For apps of [`App::only`].
    pub fn with_health_check<C: HealthCheckItem>(mut self) -> Self {
        self.selection.health_checks.push(C::REGISTRATION);
        self
    }

    /// With this saga, and the subscribers that start it and bring its events. For apps of [`App::only`].
    pub fn with_saga<S: Saga>(mut self) -> Self {
        self.selection.sagas.push(S::REGISTRATION);
        self.selection.subscribers.extend(S::REGISTRATION.subscribers);
        self
    }

    /// With this middleware around every subscriber. For apps of [`App::only`].
    pub fn with_middleware<M: MiddlewareItem>(mut self) -> Self {
        self.selection.middleware.push(M::REGISTRATION);
        self
    }

    /// With this publish-side middleware around everything that is published. For apps of [`App::only`].
    pub fn with_publish_middleware<M: PublishMiddlewareItem>(mut self) -> Self {
        self.selection.publish_middleware.push(M::REGISTRATION);
        self
    }

    /// With this publisher, which no argument takes. For apps of [`App::only`]; those that arguments take are there anyway.
    pub fn with_publisher<P: PublisherItem>(mut self) -> Self {
        self.selection.publishers.extend(P::REGISTRATION);
        self
    }

    /// With a registration that was not linked, or under another name than the linked one.
    pub fn with_registration(mut self, registration: &'static SubscriberRegistration) -> Self {
        self.selection.subscribers.push(registration);
        self
    }

    /// With a middleware of a value around every subscriber; smaller orders stand further out.
    pub fn middleware(mut self, name: impl Into<Text>, order: i32, middleware: impl Middleware) -> Self {
        self.middleware.push(Added { name: name.into(), order, middleware: Arc::new(middleware) });
        self
    }

    /// With a publish-side middleware of a value around everything that is published; smaller orders stand further out.
    pub fn publish_middleware(mut self, name: impl Into<Text>, order: i32, middleware: impl PublishMiddleware) -> Self {
        self.publish_middleware.push(Added { name: name.into(), order, middleware: Arc::new(middleware) });
        self
    }

    /// Over this transport; its name says in place of which configured one.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transports.retain(|known| known.name() != transport.name());
        self.transports.push(transport);
        self
    }

    /// Configured by this file instead of `swit.toml`; it must exist.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.layers = self.layers.file(path);
        self
    }

    /// Configured by this TOML text as well, below the environment; of several texts and files, later ones win.
    pub fn config_text(mut self, name: &str, toml: &str) -> Self {
        self.layers = self.layers.text(name, toml);
        self
    }

    /// With one key of the configuration set, above everything else: `.set("subscriber.confirm-order.retries", 5)`.
    pub fn set(mut self, key: &str, value: impl Into<toml::Value>) -> Self {
        self.layers = self.layers.set(key, value);
        self
    }

    /// Serves the pages for operators, health and metrics, also where no address is written, as `swit::run()` does: for
    /// programs that [`start`](Self::start) their service themselves. `[admin]` says otherwise.
    ///
    /// At `127.0.0.1:2112`; if somebody else has that, there is a warning and the service runs without.
    #[cfg(feature = "admin")]
    pub fn serve_pages(mut self) -> Self {
        self.serves = true;
        self
    }

    /// With a subscriber of this name, perhaps, that is made while the service runs ([`Handle::subscribe`]): so the
    /// configuration may have a section `[subscriber.NAME]` of it, middleware may name it in `only` and `except`, and
    /// `topology` does not take its queues for left behind.
    pub fn expect_subscriber(mut self, name: impl Into<Text>) -> Self {
        self.expected.push(name.into());
        self
    }

    /// With what this argument needs, though no linked handler takes it: for subscribers that are made while the service
    /// runs. A gap is found before anything starts: `.require::<State<Orders>>()`, `.require::<Config<Limits>>()`.
    #[track_caller]
    pub fn require<T: FromScope>(mut self) -> Self {
        let place = std::panic::Location::caller();
        let location = Location { module: "", file: place.file(), line: place.line() };
        self.required.push((location, T::requires));
        self
    }

    /// A handle on the service that this app becomes, for `main`, which gives the app away to [`run`](Self::run).
    ///
    /// Its asynchronous calls wait until the service runs, and fail if it does not start.
    pub fn handle(&self) -> Handle {
        self.handle.handle()
    }

    /// With spans that go where this says.
    #[cfg(feature = "traces")]
    pub fn traces(mut self, traces: super::Traces) -> Self {
        self.traces = std::sync::Mutex::new(Some(traces));
        self
    }

    /// With this database, in place of the one that `database.url` says.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// With these tables of the application's own beside swit's: they are made where and when swit's are.
    pub fn migrations(mut self, migrations: Migrations) -> Self {
        self.migrations.push(migrations);
        self
    }

    /// With this wall clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the whole graph. Nothing is built, no connection is made.
    ///
    /// # Errors
    /// The report of every fault.
    pub fn check(&self) -> Result<Graph, StartupReport> {
        Graph::check(self)
    }

    /// Starts the service: checks the graph, builds the providers, connects, declares, consumes.
    ///
    /// # Errors
    /// The start-up report, a provider's error, a transport's error. What was built until then is torn down again.
    pub async fn start(self) -> Result<Running> {
        start::start(self).await
    }

    /// Starts the service and keeps it running until SIGTERM or SIGINT, then drains. A second signal ends the process
    /// at once.
    ///
    /// # Errors
    /// As [`start`](Self::start), and what [`Running::shutdown`] says.
    pub async fn run(self) -> Result<()> {
        super::run::run(self).await
    }

    /// Does with this app what the process's arguments ask for: `run`, `check`, `graph`, `publish`, `tail`,
    /// `topology`, `dlq`, `migrate`, `outbox`, `relay`.
    ///
    /// # Errors
    /// As [`cli::main`](super::cli::main), which does it with everything that was linked.
    pub async fn cli(self) -> Result<()> {
        let invocation = super::cli::parse(std::env::args_os().skip(1))?;
        super::cli::execute(self, invocation).await
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("subscribers", &self.selection.subscribers.len()).finish_non_exhaustive()
    }
}
