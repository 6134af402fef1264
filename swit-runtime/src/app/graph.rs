//! The whole service as one graph: what `check` makes sure of before anything is built or connected.
//!
//! Guarantee: a graph that comes out of [`Graph::check`] has every state provided once, no cycle, no name twice, every
//! transport configured, every topic covered, every value in range; all faults of a service are in one report.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    builder::App,
    config::{ConsumerGroup, DeadLetters, Known, MiddlewareSettings, ResolvedSubscriber, Set, Settings, resolve},
    providers,
    selection::Selection,
};
use crate::{
    error::{StartupFault, StartupReport},
    event::EventDescriptor,
    extract::Requirements,
    middleware::Middleware,
    registry::{Location, MiddlewareRegistration, ProviderRegistration, SubscriberRegistration},
    scope::{Service, Shared},
    text::Text,
    topic,
    transport::Queue,
};

/// A checked service.
pub struct Graph {
    pub(crate) service: Service,
    pub(crate) settings: Settings,
    pub(crate) nodes: Vec<Node>,
    /// In the order in which they are built.
    pub(crate) providers: Vec<&'static ProviderRegistration>,
    pub(crate) sections: Vec<(TypeId, Shared)>,
    pub(crate) events: Vec<EventDescriptor>,
    warnings: Vec<String>,
}

/// A subscriber in the graph.
pub(crate) struct Node {
    pub(crate) registration: &'static SubscriberRegistration,
    pub(crate) resolved: ResolvedSubscriber,
    pub(crate) group: Text,
    pub(crate) queue: Queue,
    pub(crate) dead_letter: Option<Text>,
    pub(crate) middleware: Vec<(Text, Arc<dyn Middleware>)>,
    pub(crate) emits: Vec<EventDescriptor>,
}

impl Graph {
    /// Checks an app; see [`App::check`].
    pub(crate) fn check(app: &App) -> Result<Self, StartupReport> {
        let mut faults = Faults::default();
        let requirements = requirements(app);
        let (settings, found) = read_settings(app, &requirements);
        faults.all(found);
        let service = service(app, &settings);
        linked(app, &mut faults);
        let sections = sections(&requirements, &settings, &mut faults);
        let providers = providers::order(app, &requirements, &mut faults);
        let nodes = nodes(app, &settings, &service, &mut faults);
        names(app, &nodes, &mut faults);
        queues(&nodes, &mut faults);
        if cfg!(panic = "abort") {
            faults.add(
                "Cargo.toml",
                "the program is built with `panic = \"abort\"`",
                "remove it: a handler that panics would take the service with it",
            );
        }
        faults.report()?;
        let events = app.selection.events.iter().flat_map(|event| event.descriptors).copied().collect();
        let warnings = warnings(app, &nodes);
        Ok(Self { service, settings, nodes, providers, sections, events, warnings })
    }

    /// What is not wrong, but worth knowing: events that nobody subscribes to.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The names of the transports that subscribers consume from, and `default`.
    pub fn transports(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.nodes.iter().map(|node| &*node.resolved.transport).collect();
        names.push("default");
        names.sort_unstable();
        names.dedup();
        names
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        self.nodes.len()
    }
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Graph")
            .field("service", &self.service)
            .field("subscribers", &self.nodes.len())
            .field("providers", &self.providers.len())
            .finish_non_exhaustive()
    }
}

/// Collects faults; the report has them in the order of their places.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<StartupFault>);

impl Faults {
    pub(crate) fn add(
        &mut self,
        location: impl std::fmt::Display,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.0.push(StartupFault::new(location, message, help));
    }

    pub(crate) fn all(&mut self, faults: Vec<StartupFault>) {
        self.0.extend(faults);
    }

    fn report(mut self) -> Result<(), StartupReport> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort_by(|a, b| a.location.cmp(&b.location));
        self.0.dedup();
        Err(StartupReport { faults: self.0 })
    }
}

/// What every part of the app requires, with the place that requires it.
pub(crate) type Required = Vec<(Location, &'static str, Requirements)>;

fn requirements(app: &App) -> Required {
    let mut all = Required::new();
    let mut add = |location, name, requires: fn(&mut Requirements)| {
        let mut requirements = Requirements::new();
        requires(&mut requirements);
        all.push((location, name, requirements));
    };
    for subscriber in &app.selection.subscribers {
        add(subscriber.location, subscriber.function, subscriber.requires);
        for middleware in subscriber.middleware {
            add(middleware.location, middleware.name, middleware.requires);
        }
    }
    for middleware in &app.selection.middleware {
        add(middleware.location, middleware.name, middleware.requires);
    }
    for provider in &app.selection.providers {
        add(provider.location, provider.name, provider.requires);
    }
    all
}

/// Reads the layers. One file may serve a binary that runs in several roles, so it may speak of everything that was
/// linked, not only of what this app selects.
fn read_settings(app: &App, requirements: &Required) -> (Settings, Vec<StartupFault>) {
    let everything = Selection::all();
    let subscribers = everything.subscribers.iter().chain(&app.selection.subscribers).map(|known| known.name);
    let middleware = everything.middleware.iter().chain(&app.selection.middleware).map(|known| known.name);
    let middleware = middleware.chain(app.middleware.iter().map(|added| added.name.as_str()));
    let known = Known {
        subscribers: unique(subscribers),
        middleware: unique(middleware),
        transports: unique(app.transports.iter().map(|known| known.name())),
        sections: unique(requirements.iter().flat_map(|(.., needs)| needs.configs()).map(|config| config.section)),
    };
    let (mut settings, faults) = app.layers.read(&known);
    for transport in &app.transports {
        settings.transports.entry(Text::from(transport.name())).or_default();
    }
    (settings, faults)
}

fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

fn service(app: &App, settings: &Settings) -> Service {
    let linked = app.selection.linked.first();
    let (name, version) = app.service.clone().unwrap_or_else(|| {
        linked.map_or((Text::from_static("service"), Text::from_static("0.0.0")), |binary| {
            (Text::from_static(binary.package), Text::from_static(binary.version))
        })
    });
    let configured = &settings.service;
    let or = |set: &Option<Set<Text>>, other: Text| set.as_ref().map_or(other, |set| set.value.clone());
    let instance = format!("{}-{}", hostname(), std::process::id());
    Service::new(
        or(&configured.name, name),
        or(&configured.version, version),
        or(&configured.instance, instance.into()),
    )
}

/// The host's name where the environment or the system tells it; only used to tell instances apart.
fn hostname() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| swit_grammar::name::check_name(name).is_ok())
        .unwrap_or_else(|| "host".to_owned())
}

/// A crate that `swit::handlers!` lists must have registered something, and there must be something to do.
fn linked(app: &App, faults: &mut Faults) {
    let selection = &app.selection;
    if selection.subscribers.is_empty() && selection.whole {
        faults.add(
            "",
            "no subscriber was found",
            "annotate a function with `#[subscriber(topic = \"…\")]`; if it is in a library crate, name that crate in the binary: `swit::handlers!(orders);`",
        );
    }
    if !selection.whole {
        return;
    }
    for binary in &selection.linked {
        for name in binary.crates {
            let registered = selection.subscribers.iter().map(|s| s.location);
            let registered = registered
                .chain(selection.middleware.iter().map(|m| m.location))
                .chain(selection.providers.iter().map(|p| p.location))
                .chain(selection.events.iter().map(|e| e.location));
            if !registered.into_iter().any(|location| location.krate() == *name) {
                faults.add(
                    binary.location,
                    format!("`swit::handlers!` names the crate `{name}`, which registered nothing"),
                    "annotate something in it, or remove it from the list",
                );
            }
        }
    }
}

fn sections(requirements: &Required, settings: &Settings, faults: &mut Faults) -> Vec<(TypeId, Shared)> {
    let mut loaded = Vec::new();
    let mut types: HashMap<&str, (TypeId, &str)> = HashMap::new();
    for (location, _, needs) in requirements {
        for config in needs.configs() {
            match types.get(config.section) {
                Some((id, _)) if *id == config.id => continue,
                Some((_, other)) => {
                    faults.add(
                        location,
                        format!("the section `{}` is read as `{}` and as `{other}`", config.section, config.type_name),
                        "read a section as one type",
                    );
                    continue;
                }
                None => {}
            }
            types.insert(config.section, (config.id, config.type_name));
            match settings.section(config.section).load(config) {
                Ok(value) => loaded.push((config.id, value)),
                Err(found) => faults.all(found),
            }
        }
    }
    loaded
}

fn nodes(app: &App, settings: &Settings, service: &Service, faults: &mut Faults) -> Vec<Node> {
    let mut nodes = Vec::new();
    for registration in &app.selection.subscribers {
        let (resolved, found) = resolve(&registration.spec, registration.name, registration.location, settings);
        faults.all(found);
        let mut events = Vec::new();
        (registration.events)(&mut events);
        let topics = topics(registration, &resolved, settings, &events, faults);
        let (group, exclusive) = match &resolved.group {
            ConsumerGroup::Service => (service.name.clone(), false),
            ConsumerGroup::Named(name) => (name.clone(), false),
            ConsumerGroup::PerInstance => (service.name.clone(), true),
        };
        let name = registration.name;
        let mut queue = match (&resolved.queue, exclusive) {
            (Some(queue), _) => Queue::existing(queue.clone()),
            (None, false) => Queue::subscriber(format!("{group}.{name}"), topics),
            (None, true) => Queue::subscriber(format!("{group}.{name}.{}", service.instance), topics).with_exclusive(),
        };
        let dead_letter = match &resolved.dead_letter {
            DeadLetters::Default => Some(Text::from(format!("{group}.{name}.dlq"))),
            DeadLetters::Queue(queue) => Some(queue.clone()),
            DeadLetters::Discard => None,
        };
        if queue.existing {
            // Its arguments are somebody else's.
        } else if let Some(dead_letter) = &dead_letter {
            queue = queue.with_dead_letter(dead_letter.clone());
        }
        if resolved.order != swit_grammar::subscriber::Order::Unordered {
            queue = queue.with_single_active();
        }
        let middleware = middleware(app, settings, registration);
        let mut emits = Vec::new();
        (registration.emits)(&mut emits);
        nodes.push(Node { registration, resolved, group, queue, dead_letter, middleware, emits });
    }
    nodes
}

/// The topics of a subscriber: what is written or configured, else those of its event type.
///
/// The macro held the written topics to the event types; topics that came from configuration are held to them here.
fn topics(
    registration: &SubscriberRegistration,
    resolved: &ResolvedSubscriber,
    settings: &Settings,
    events: &[EventDescriptor],
    faults: &mut Faults,
) -> Vec<Text> {
    if resolved.queue.is_some() {
        return Vec::new();
    }
    if resolved.topics.is_empty() {
        if events.is_empty() {
            faults.add(
                registration.location,
                format!("`{}` has no topic", registration.name),
                "write `topic = \"…\"`, or take an event type as an argument",
            );
        }
        let mut topics: Vec<_> = events.iter().map(|event| Text::from_static(event.topic)).collect();
        topics.sort();
        topics.dedup();
        return topics;
    }
    let configured = settings.subscribers.get(registration.name).and_then(|set| set.topics.as_ref());
    let place = configured.map_or_else(|| registration.location.to_string(), |set| set.origin.to_string());
    for event in events {
        if !resolved.topics.iter().any(|pattern| topic::matches(pattern, event.topic)) {
            faults.add(
                &place,
                format!(
                    "`{}` takes `{}` of topic \"{}\", which none of its topics covers",
                    registration.name, event.event_type, event.topic
                ),
                "add the event's topic, or a pattern that takes it",
            );
        }
    }
    resolved.topics.clone()
}

/// The middleware of a subscriber, outermost first: the global ones by order, then those that it lists.
fn middleware(app: &App, settings: &Settings, subscriber: &SubscriberRegistration) -> Vec<(Text, Arc<dyn Middleware>)> {
    type Entry = (i32, Text, Arc<dyn Middleware>);
    let mut chain: Vec<Entry> = Vec::new();
    for item in &app.selection.middleware {
        let configured = settings.middleware.get(item.name);
        let applies = match configured {
            Some(set) => applies(item, set, subscriber.name),
            None => applies(item, &MiddlewareSettings::default(), subscriber.name),
        };
        if applies {
            let order = configured.and_then(|c| c.order.as_ref()).map_or(item.order, |order| order.value);
            chain.push((order, Text::from_static(item.name), (item.make)()));
        }
    }
    for added in &app.middleware {
        let set = settings.middleware.get(&*added.name);
        if set.is_none_or(|set| selects(set, &[], &[], subscriber.name)) {
            let order = set.and_then(|set| set.order.as_ref()).map_or(added.order, |order| order.value);
            chain.push((order, added.name.clone(), added.middleware.clone()));
        }
    }
    // Stable: equal orders stand by module and name, as the selection does.
    chain.sort_by_key(|(order, ..)| *order);
    let global = chain.into_iter().map(|(_, name, middleware)| (name, middleware));
    let listed = subscriber.middleware.iter().map(|item| (Text::from_static(item.name), (item.make)()));
    global.chain(listed).collect()
}

fn applies(item: &MiddlewareRegistration, set: &MiddlewareSettings, subscriber: &str) -> bool {
    selects(set, item.only, item.except, subscriber)
}

/// Whether a global middleware runs around a subscriber: what is configured, else what is written.
fn selects(set: &MiddlewareSettings, only: &[&str], except: &[&str], subscriber: &str) -> bool {
    let names = |set: &Option<Set<Vec<Text>>>, written: &[&str], otherwise: bool| match set {
        Some(set) if set.value.is_empty() => otherwise,
        Some(set) => set.value.iter().any(|name| *name == subscriber),
        None if written.is_empty() => otherwise,
        None => written.contains(&subscriber),
    };
    set.enabled.as_ref().is_none_or(|enabled| enabled.value)
        && names(&set.only, only, true)
        && !names(&set.except, except, false)
}

/// No name stands twice, and `only` and `except` name subscribers that there are.
fn names(app: &App, nodes: &[Node], faults: &mut Faults) {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    for node in nodes {
        let (name, location) = (node.registration.name, node.registration.location);
        if let Some(first) = seen.insert(name, location) {
            faults.add(
                location,
                format!("the subscriber `{name}` was already registered at {first}"),
                "give one of them another `name = \"…\"`",
            );
        }
    }
    let mut middleware: HashMap<&str, Location> = HashMap::new();
    for item in &app.selection.middleware {
        if let Some(first) = middleware.insert(item.name, item.location) {
            faults.add(
                item.location,
                format!("the middleware `{}` was already registered at {first}", item.name),
                "give one of them another `name = \"…\"`",
            );
        }
        // A part of the registry need not hold all that the whole names.
        for name in item.only.iter().chain(item.except).filter(|_| app.selection.whole) {
            if !seen.contains_key(name) {
                let nearest = swit_grammar::nearest::nearest(name, seen.keys().copied());
                faults.add(
                    item.location,
                    format!("the middleware `{}` names the subscriber `{name}`, which there is none of", item.name),
                    nearest.map_or_else(|| "name a subscriber".to_owned(), |near| format!("did you mean `{near}`?")),
                );
            }
        }
    }
}

/// No queue serves two purposes, and nothing feeds itself.
fn queues(nodes: &[Node], faults: &mut Faults) {
    let mut owners: HashMap<(&str, &str), &Node> = HashMap::new();
    for node in nodes.iter().filter(|node| !node.queue.existing) {
        owners.insert((&node.resolved.transport, &node.queue.name), node);
    }
    for node in nodes {
        let Some(dead_letter) = &node.dead_letter else { continue };
        let location = node.registration.location;
        if *dead_letter == node.queue.name {
            faults.add(
                location,
                format!("`{}` consumes its own dead-letter queue \"{dead_letter}\"", node.registration.name),
                "name another `dead_letter` queue, or say `dead_letter = false`",
            );
        } else if let Some(owner) = owners.get(&(&*node.resolved.transport, &**dead_letter)) {
            faults.add(
                location,
                format!(
                    "the dead-letter queue \"{dead_letter}\" of `{}` is the queue of the subscriber `{}` ({})",
                    node.registration.name, owner.registration.name, owner.registration.location
                ),
                "name another `dead_letter` queue; who wants dead letters consumes that one with `queue = \"…\"`",
            );
        }
    }
}

fn warnings(app: &App, nodes: &[Node]) -> Vec<String> {
    let mut warnings = Vec::new();
    for event in app.selection.events.iter().filter(|_| app.selection.whole) {
        for descriptor in event.descriptors {
            let taken = nodes
                .iter()
                .any(|node| node.queue.patterns.iter().any(|pattern| topic::matches(pattern, descriptor.topic)));
            if !taken && descriptor.unrouted != crate::event::Unrouted::Ignore {
                warnings.push(format!(
                    "{}: no subscriber of this service takes the event `{}` of topic \"{}\"",
                    event.location, event.name, descriptor.topic
                ));
            }
        }
    }
    warnings
}
