//! From options to a subscriber that is checked as a linked one is, with every fault at once.

use std::{any::TypeId, sync::Arc};

use swit_grammar::Fault;

use super::Subscription;
use crate::{
    app::{
        builder::Added,
        config::{BreakerSettings, Origin, Set, Settings, SubscriberSettings, resolve},
        graph::{Faults, Node, Registered, around},
    },
    codec::Codec,
    error::SubscribeError,
    error_classifier::ErrorClassifier,
    event::EventDescriptor,
    extract::Requirements,
    middleware::Middleware,
    pipeline::Worker,
    policy::Breakers,
    registry::{
        AckMode, Arguments, Asynchronous, Boxable, BreakerSpec, Callable, Closure, CompositeRegistration, Handler,
        MiddlewareRegistration, PublisherRef, SubscriberSpec,
    },
    returns::{Emit, Return},
    scope::{Scope, Service, Shared},
    text::Text,
    transport::{BoxFuture, Transport},
};

/// What a handler is made of: a linked one, or a closure.
pub(in crate::app) struct Facts {
    /// Its name, where it has one of its own.
    name: Option<Text>,
    spec: SubscriberSpec,
    events: Vec<EventDescriptor>,
    emits: Vec<EventDescriptor>,
    requires: fn(&mut Requirements),
    listed: &'static [&'static MiddlewareRegistration],
    start: fn(Worker) -> BoxFuture<'static, ()>,
    callable: Option<Shared>,
    composite: Option<&'static CompositeRegistration>,
    classifier: Option<Arc<ErrorClassifier>>,
    /// How many of its arguments read the payload, whether one settles, and whether it returns events; what the macro
    /// checks of a linked one.
    readers: usize,
    settles: bool,
    publishes: bool,
    /// What is wrong already.
    faults: Faults,
}

impl Facts {
    /// Of a linked handler.
    pub(in crate::app) fn linked<H: Handler>() -> Self {
        let registration = H::REGISTRATION;
        let mut faults = Faults::default();
        let linked = Registered::linked(registration, &mut faults);
        let mut emits = Vec::new();
        (registration.emits)(&mut emits);
        Self {
            name: Some(linked.name),
            spec: SubscriberSpec { enabled: true, ..registration.spec },
            events: linked.events,
            emits,
            requires: linked.requires,
            listed: registration.middleware,
            start: linked.start,
            callable: None,
            composite: linked.composite,
            classifier: linked.classifier,
            readers: 1,
            settles: registration.spec.ack == AckMode::Manual,
            publishes: false,
            faults,
        }
    }

    /// Of a closure.
    pub(in crate::app) fn closure<A, C>(closure: C) -> Self
    where
        A: Arguments,
        C: Callable<A>,
        C::Returned: Asynchronous<Run: Send, Out: Return<Error: Boxable>>,
    {
        let (mut events, mut emits) = (Vec::new(), Vec::new());
        A::events(&mut events);
        <<<C::Returned as Asynchronous>::Out as Return>::Value as Emit>::events(&mut emits);
        Self {
            name: None,
            spec: SubscriberSpec::DEFAULT,
            events,
            emits,
            requires: A::requires,
            listed: &[],
            start: crate::pipeline::start::<Closure<C, A>>,
            callable: Some(Arc::new(closure)),
            composite: None,
            classifier: None,
            readers: A::READERS,
            settles: A::SETTLES,
            faults: Faults::default(),
            publishes: <<<C::Returned as Asynchronous>::Out as Return>::Value as Emit>::PUBLISHES,
        }
    }
}

/// What a running service knows that subscribers are made of.
pub(in crate::app) struct Parts {
    pub(in crate::app) settings: Settings,
    pub(in crate::app) service: Service,
    pub(in crate::app) middleware: Vec<&'static MiddlewareRegistration>,
    pub(in crate::app) added: Vec<Added<dyn Middleware>>,
    /// The structs of the named publishers that there are.
    pub(in crate::app) publishers: Vec<TypeId>,
    pub(in crate::app) transports: Vec<Arc<dyn Transport>>,
    pub(in crate::app) breakers: Arc<Breakers>,
    pub(in crate::app) scope: Arc<Scope>,
}

impl Parts {
    /// The subscriber that these options and this handler make.
    pub(super) fn assemble(&self, options: &Subscription, mut facts: Facts) -> Result<Node, SubscribeError> {
        let mut faults = std::mem::take(&mut facts.faults);
        let place = options.location;
        let add = |faults: &mut Faults, name: &str, fault: &Fault| {
            faults.add(place, format!("`{name}`: {}", fault.message), fault.help.clone());
        };
        let events_name = facts.events.first().map(|event| Text::from(format!("{}-handler", event.topic)));
        let name =
            options.name.clone().or_else(|| facts.name.clone()).or_else(|| options.default_name()).or(events_name);
        let name = name.unwrap_or_else(|| Text::from_static("handler"));

        let mut found = Vec::new();
        options.check(&name, &mut found);
        let spec = SubscriberSpec {
            order: options.order.unwrap_or(facts.spec.order),
            ack: options.ack.unwrap_or(facts.spec.ack),
            codec: options.codec.or(facts.spec.codec),
            // Topics in place of an attribute's queue, and a queue in place of an attribute's topics.
            queue: facts.spec.queue.filter(|_| options.topics.is_empty() && options.queue.is_none()),
            circuit_breaker: options.policies.circuit_breaker.as_ref().map_or(facts.spec.circuit_breaker, |breaker| {
                // Its name is not static, and laid over the rest below.
                Some(BreakerSpec { numbers: breaker.numbers, name: None })
            }),
            rate_limit: options.policies.rate_limit.or(facts.spec.rate_limit),
            topics: if options.queue.is_some() { &[] } else { facts.spec.topics },
            ..facts.spec
        };
        signature(&facts, spec.ack, &mut found);
        if let (Some(_), Some(codec)) = (spec.schema, options.codec.filter(|codec| *codec != Codec::Json)) {
            let message = format!("it validates by a JSON Schema, which can't check {}", codec.name());
            found.push(Fault::new(message, "leave the codec out, or subscribe a handler that validates by a function"));
        }
        for fault in &found {
            add(&mut faults, &name, fault);
        }

        let mut settings = self.settings.clone();
        let configured = settings.subscribers.remove(&name).unwrap_or_default();
        if let (Some(topics), Some(queue)) = (&configured.topics, &options.queue) {
            let message =
                format!("`{name}`: `topics` can't be set for a subscriber that consumes the queue \"{queue}\"");
            faults.add(&topics.origin, message, "remove `topics`");
        }
        settings.subscribers.insert(name.clone(), laid_over(options, configured));
        let (mut resolved, found) = resolve(&spec, &name, place, &settings);
        faults.all(found);
        resolved.event = options.event.clone().or(resolved.event);
        if let Some(queue) = &options.queue {
            resolved.queue = Some(queue.clone());
        }
        let given = |transport: &str| self.transports.iter().any(|known| known.name() == transport);
        // A transport may be configured, and not have been opened.
        if !given(&resolved.transport) && self.settings.transports.contains_key(&resolved.transport) {
            let message = format!("`{name}`: the transport `{}` is not open", resolved.transport);
            faults.add(place, message, "name a transport that the service uses from its start");
        }

        self.requirements(&name, options, &facts, &mut faults);
        let mut middleware = around(&self.middleware, &self.added, &self.settings, &name);
        middleware.extend(facts.listed.iter().map(|item| (Text::from_static(item.name), (item.make)())));
        middleware.extend(options.policies.middleware.iter().cloned());
        let validations = options.policies.validations.iter();
        middleware.extend(validations.map(|validation| (Text::from_static("validation"), validation.clone())));
        let registered = Registered {
            name: name.clone(),
            location: place,
            events: facts.events,
            requires: facts.requires,
            start: facts.start,
            callable: facts.callable,
            composite: facts.composite,
            classifier: options.policies.classifier.clone().or(facts.classifier),
        };
        let node = Node::new(registered, resolved, middleware, facts.emits, &settings, &self.service, &mut faults);
        crate::app::graph::members(&node, &mut faults);
        crate::app::graph::distinct(std::slice::from_ref(&node), &mut faults);
        if let Some(breaker) = &node.resolved.circuit_breaker
            && let Some(theirs) = self.breakers.find(&breaker.name)
            && theirs.limits() != breaker.numbers.limits()
        {
            crate::app::graph::differ(&node, theirs.place(), &mut faults);
        }
        #[cfg(feature = "rabbitmq")]
        crate::app::graph::check_later(&self.transports, &settings, &node, &mut faults);
        let faults = faults.into_list();
        if !faults.is_empty() {
            return Err(SubscribeError::Invalid { name, faults });
        }
        if !node.resolved.enabled {
            return Err(SubscribeError::Disabled { name });
        }
        Ok(node)
    }

    /// What its arguments require must be there: nothing more is built now.
    fn requirements(&self, name: &str, options: &Subscription, facts: &Facts, faults: &mut Faults) {
        let mut needs = Requirements::new();
        (facts.requires)(&mut needs);
        for listed in facts.listed {
            (listed.requires)(&mut needs);
        }
        let mut missing = |what: String, help: String| faults.add(options.location, what, help);
        for state in needs.states().iter().filter(|state| !self.scope.has(state.id)) {
            missing(
                format!("`{name}` takes `State<{}>`, which nothing provides", state.type_name),
                "write a `#[provider]` that returns it, or give it with `App::provide`; it must be there when the \
                 service starts"
                    .to_owned(),
            );
        }
        for config in needs.configs().iter().filter(|config| !self.scope.has(config.id)) {
            missing(
                format!(
                    "`{name}` takes the section `{}` as `{}`, which was not read",
                    config.section, config.type_name
                ),
                "say at the start that it will be taken: `App::require::<Config<…>>()`".to_owned(),
            );
        }
        for publisher in needs.publishers().iter().filter(|publisher| !self.publishers.contains(&publisher.id)) {
            let linked = inventory::iter::<PublisherRef>().any(|linked| (linked.0.id)() == publisher.id);
            let help = if linked {
                "say at the start that it will be taken: `App::require::<Publisher<…>>()`"
            } else {
                "write `#[publisher(event = …)]` on its struct"
            };
            missing(
                format!("`{name}` takes `Publisher<{}>`, which is not part of this app", publisher.type_name),
                help.to_owned(),
            );
        }
    }
}

/// What the macro makes sure of for a function with an attribute.
fn signature(facts: &Facts, ack: AckMode, faults: &mut Vec<Fault>) {
    let mut refuse = |message: &str, help: &str| faults.push(Fault::new(message, help));
    if facts.readers > 1 {
        refuse("more than one argument reads the payload", "take one event, or an enum of events");
    }
    if ack == AckMode::Manual && !facts.settles {
        refuse("it settles by hand, but takes no `Ack`", "add an argument `ack: Ack`, or leave out `manual_ack()`");
    }
    if ack != AckMode::Manual && facts.settles {
        refuse("it takes `Ack`, but does not settle by hand", "say `manual_ack()`, or leave the argument out");
    }
    if ack == AckMode::Manual && facts.publishes {
        refuse(
            "it settles by hand, but returns events, which could be lost after it has acknowledged",
            "publish with a `Publisher` argument, and settle after that",
        );
    }
}

/// What is configured, and below it what the options say.
fn laid_over(options: &Subscription, configured: SubscriberSettings) -> SubscriberSettings {
    fn either<T>(configured: Option<Set<T>>, written: Option<T>, origin: &Origin) -> Option<Set<T>> {
        configured.or_else(|| written.map(|value| Set { value, origin: origin.clone() }))
    }
    let origin = Origin::Subscription { place: Text::from(options.location.to_string()) };
    let policies = &options.policies;
    let topics = (!options.topics.is_empty() && options.queue.is_none()).then(|| options.topics.clone());
    SubscriberSettings {
        topics: either(configured.topics, topics, &origin),
        group: either(configured.group, options.group.clone(), &origin),
        concurrency: either(configured.concurrency, options.concurrency, &origin),
        prefetch: either(configured.prefetch, options.prefetch, &origin),
        timeout: either(configured.timeout, policies.timeout, &origin),
        retries: either(configured.retries, policies.retries, &origin),
        backoff: either(configured.backoff, policies.backoff, &origin),
        dead_letter: either(configured.dead_letter, policies.dead_letter.clone(), &origin),
        transport: either(configured.transport, options.transport.clone(), &origin),
        enabled: configured.enabled,
        breaker: BreakerSettings {
            name: either(
                configured.breaker.name,
                policies.circuit_breaker.as_ref().and_then(|own| own.name.clone()),
                &origin,
            ),
            ..configured.breaker
        },
        circuit_breaker: configured.circuit_breaker,
        rate_limit: configured.rate_limit,
        rate: configured.rate,
        batch: configured.batch,
        batching: configured.batching,
    }
}
