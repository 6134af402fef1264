//! Subscribers in the graph: their queues, topics, dead letters and middleware, after configuration.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::Faults;
use crate::{
    app::{
        builder::{Added, App},
        config::{ConsumerGroup, DeadLetters, MiddlewareSettings, ResolvedSubscriber, Set, Settings, resolve},
    },
    error_classifier::ErrorClassifier,
    event::EventDescriptor,
    extract::Requirements,
    middleware::Middleware,
    pipeline::{Worker, panic_text},
    registry::{CompositeRegistration, Location, MakeClassifier, MiddlewareRegistration, SubscriberRegistration},
    schema::Schema,
    scope::{Service, Shared},
    text::Text,
    topic,
    transport::{BoxFuture, Queue},
};

/// A subscriber in the graph.
pub(crate) struct Node {
    pub(crate) registration: Registered,
    pub(crate) resolved: ResolvedSubscriber,
    pub(crate) group: Text,
    pub(crate) queue: Queue,
    pub(crate) dead_letter: Option<Text>,
    pub(crate) middleware: Vec<(Text, Arc<dyn Middleware>)>,
    pub(crate) emits: Vec<EventDescriptor>,
}

/// What a subscriber is made of, whether it was linked or made while the service runs.
#[derive(Clone)]
pub(crate) struct Registered {
    pub(crate) name: Text,
    pub(crate) location: Location,
    /// The event types that it reads.
    pub(crate) events: Vec<EventDescriptor>,
    pub(crate) requires: fn(&mut Requirements),
    /// Its worker's loop.
    pub(crate) start: fn(Worker) -> BoxFuture<'static, ()>,
    /// The handler, where it is a value.
    pub(crate) callable: Option<Shared>,
    /// Whose event handlers it runs.
    pub(crate) composite: Option<&'static CompositeRegistration>,
    /// Its own rules of what errors are.
    pub(crate) classifier: Option<Arc<ErrorClassifier>>,
}

impl Registered {
    /// A linked subscriber. What its attribute names is made here: its classifier, the schemas of its payloads.
    pub(crate) fn linked(registration: &'static SubscriberRegistration, faults: &mut Faults) -> Self {
        let mut events = Vec::new();
        (registration.events)(&mut events);
        if let Some(schema) = registration.spec.schema {
            schemas(registration.name, registration.location, schema, faults);
        }
        Self {
            name: Text::from_static(registration.name),
            location: registration.location,
            events,
            requires: registration.requires,
            start: registration.start,
            callable: None,
            composite: registration.composite,
            classifier: registration.spec.classifier.and_then(|make| classifier(registration, make, faults)),
        }
    }
}

/// The user's function that makes rules; one that panics is a fault of its subscriber, not of the check.
fn classifier(
    registration: &SubscriberRegistration,
    make: MakeClassifier,
    faults: &mut Faults,
) -> Option<Arc<ErrorClassifier>> {
    match catch_unwind(make.0) {
        Ok(rules) => Some(Arc::new(rules)),
        Err(panic) => {
            let message = format!("the classifier of `{}` panicked: {}", registration.name, panic_text(panic));
            faults.add(
                registration.location,
                message,
                "let the function behind `classifier = …` make rules, and not panic",
            );
            None
        }
    }
}

/// The schemas of `validate = schema`; what a type's own `JsonSchema` says may be wrong, or panic.
pub(super) fn schemas(name: &str, location: Location, schema: &Schema, faults: &mut Faults) {
    let made = catch_unwind(AssertUnwindSafe(|| schema.make().map_err(str::to_owned)));
    if let Err(fault) = made.unwrap_or_else(|panic| Err(format!("it panicked: {}", panic_text(panic)))) {
        let message = format!("`{name}` can't validate by a JSON Schema: {fault}");
        faults.add(location, message, "correct the type's `JsonSchema`, or validate by a function");
    }
}

/// All subscribers of an app.
pub(super) fn nodes(app: &App, settings: &Settings, service: &Service, faults: &mut Faults) -> Vec<Node> {
    let mut nodes = Vec::new();
    for registration in &app.selection.subscribers {
        let (resolved, found) = resolve(&registration.spec, registration.name, registration.location, settings);
        faults.all(found);
        let mut middleware = around(&app.selection.middleware, &app.middleware, settings, registration.name);
        let listed = registration.middleware.iter().map(|item| (Text::from_static(item.name), (item.make)()));
        middleware.extend(listed);
        let mut emits = Vec::new();
        (registration.emits)(&mut emits);
        let registered = Registered::linked(registration, faults);
        nodes.push(Node::new(registered, resolved, middleware, emits, settings, service, faults));
    }
    nodes
}

impl Node {
    /// A subscriber with its queues.
    pub(crate) fn new(
        registration: Registered,
        resolved: ResolvedSubscriber,
        middleware: Vec<(Text, Arc<dyn Middleware>)>,
        emits: Vec<EventDescriptor>,
        settings: &Settings,
        service: &Service,
        faults: &mut Faults,
    ) -> Self {
        let topics = topics(&registration, &resolved, settings, faults);
        if resolved.batch.is_some() {
            alone(&registration, &middleware, faults);
        }
        let (group, exclusive) = match &resolved.group {
            ConsumerGroup::Service => (service.name.clone(), false),
            ConsumerGroup::Named(name) => (name.clone(), false),
            ConsumerGroup::PerInstance => (service.name.clone(), true),
        };
        let name = &registration.name;
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
        Self { registration, resolved, group, queue, dead_letter, middleware, emits }
    }
}

/// Middleware runs around one message; around a batch it would have to be left out in silence.
fn alone(registration: &Registered, middleware: &[(Text, Arc<dyn Middleware>)], faults: &mut Faults) {
    let name = &registration.name;
    for (middleware, _) in middleware.iter().filter(|(_, middleware)| middleware.watch().is_none()) {
        faults.add(
            registration.location,
            format!("`{name}` takes its messages in batches, and the middleware `{middleware}` runs around single ones"),
            format!(
                "say that it is not meant for it, `except = [\"{name}\"]` in its attribute or in `[middleware.{middleware}]` \
                 (a validation or a middleware of its policies: leave it out), and do in the handler what has to be done"
            ),
        );
    }
}

/// The topics of a subscriber: what is written or configured, else those of its event type.
///
/// The macro held the written topics to the event types; topics that came from configuration are held to them here.
fn topics(
    registration: &Registered,
    resolved: &ResolvedSubscriber,
    settings: &Settings,
    faults: &mut Faults,
) -> Vec<Text> {
    let events = &registration.events;
    if resolved.queue.is_some() {
        return Vec::new();
    }
    if resolved.topics.is_empty() {
        // A composite without handlers has neither; it is told as that.
        let has_no_handlers = registration.composite.is_some_and(|composite| composite.handlers().is_empty());
        if events.is_empty() && !has_no_handlers {
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
    let configured = settings.subscribers.get(&registration.name).and_then(|set| set.topics.as_ref());
    let place = configured.map_or_else(|| registration.location.to_string(), |set| set.origin.to_string());
    // Those of a composite's handlers are told at the handlers.
    for event in events.iter().filter(|_| registration.composite.is_none()) {
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

/// The global middleware around a subscriber, outermost first.
pub(crate) fn around(
    linked: &[&'static MiddlewareRegistration],
    given: &[Added<dyn Middleware>],
    settings: &Settings,
    subscriber: &str,
) -> Vec<(Text, Arc<dyn Middleware>)> {
    type Entry = (i32, Text, Arc<dyn Middleware>);
    let mut chain: Vec<Entry> = Vec::new();
    for item in linked {
        let configured = settings.middleware.get(item.name);
        let applies = match configured {
            Some(set) => applies(item, set, subscriber),
            None => applies(item, &MiddlewareSettings::default(), subscriber),
        };
        if applies {
            let order = configured.and_then(|c| c.order.as_ref()).map_or(item.order, |order| order.value);
            chain.push((order, Text::from_static(item.name), (item.make)()));
        }
    }
    for added in given {
        let set = settings.middleware.get(&*added.name);
        if set.is_none_or(|set| selects(set, &[], &[], subscriber)) {
            let order = set.and_then(|set| set.order.as_ref()).map_or(added.order, |order| order.value);
            chain.push((order, added.name.clone(), added.middleware.clone()));
        }
    }
    // Stable: equal orders stand by module and name, as the selection does.
    chain.sort_by_key(|(order, ..)| *order);
    chain.into_iter().map(|(_, name, middleware)| (name, middleware)).collect()
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
