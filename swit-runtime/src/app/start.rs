//! Starting: configuration → graph check → providers → connect → topology → consume.

use std::{collections::HashMap, sync::Arc};

use swit_grammar::subscriber::{AckMode, Order};
use tokio_util::sync::CancellationToken;

#[cfg(feature = "prometheus")]
use super::metrics::Metrics;
#[cfg(all(feature = "admin", feature = "prometheus"))]
use super::metrics::Served;
#[cfg(feature = "traces")]
use super::traces::Tracing;
use super::{
    admin::Admin,
    alerting::Alerting,
    builder::{App, Part},
    database,
    dynamic::{Member, Members, Parts},
    graph::{Graph, Node},
    health::{Check, Checks, Vitals},
    orchestration::Orchestration,
    providers::Built,
    publishing::Publishing,
    running::Running,
    transports,
};
#[cfg(feature = "admin")]
use crate::admin::Page;
use crate::{
    consumer::{Consumer, Manner},
    context::Receiver,
    error::{Error, Result, TransportError},
    error_classifier::{ErrorClassifier, Rules},
    error_handler::SharedErrorHandler,
    failpoint::{self, Sabotage},
    middleware::Middleware,
    pipeline::{Copies, Counters, Current, Inbox, Parking, Plan, RetryPolicy},
    policy::{Breaker, Breakers, Bucket, Gate, Restraints},
    publisher::Outlet,
    scope::Scope,
    text::Text,
    transport::{Known, Queue, Transport},
};

pub(super) async fn start(app: App) -> Result<Running> {
    let graph = app.check()?;
    for warning in graph.warnings() {
        tracing::warn!("{warning}");
    }
    let transports = transports::open(&app, &graph.openings);
    let shutdown = CancellationToken::new();
    let vitals = Arc::new(Vitals::new(graph.service.clone(), transports.clone(), shutdown.clone()));
    // Before anything is built, so that a service can be asked while it starts.
    #[cfg(feature = "admin")]
    #[cfg_attr(not(feature = "prometheus"), expect(unused_variables, reason = "there is no page of metrics"))]
    let (pages, served) = pages(&graph, &vitals);
    #[cfg(feature = "admin")]
    let admin = Admin::open(graph.admin.as_ref(), pages).await?;
    #[cfg(not(feature = "admin"))]
    let admin = Admin;
    let mut scope = scope_of(&app, &graph, &transports, shutdown);
    let mut database = match &graph.database {
        // Whoever publishes one message from outside writes nothing else.
        _ if app.part == Part::Visitor => None,
        Some(opening) => Some(database::open(opening, &app.migrations).await?),
        None => None,
    };
    if let Some(database) = &database {
        scope.set_store(database.store().clone());
    }
    // Before the publishers, which take it from there.
    #[cfg(feature = "traces")]
    let tracing = tracing(&app, &graph, &transports, &mut scope)?;
    let publishing = Publishing::start(&graph, &transports, &mut scope)?;
    app.handle.link().attach(&publishing.outlets, &mut scope);
    let mut orchestration = Orchestration::new(&graph, database.as_ref(), &mut scope);
    // Messages in a broker are for those that serve there; without one, this process is the only one that can.
    let recovers = app.part == Part::Recovery;
    let visits =
        recovers || (app.part != Part::Whole && transports.iter().any(|transport| transport.capabilities().durable));
    let providers = if visits && !recovers { &[] } else { graph.providers.as_slice() };
    let mut built = Built::default();
    let provided = built.build(providers, &mut scope).await;
    let scope = Arc::new(scope);
    let breakers = Arc::new(Breakers::new(scope.alerts().clone()));
    let started = match provided {
        // Decisions and what they release lie in the database: no broker is needed.
        Ok(()) if recovers => Ok(Vec::new()),
        Ok(()) => {
            consume(&graph, &app.queues, &transports, &publishing, &breakers, &scope, visits).await.map_err(Error::from)
        }
        Err(error) => Err(error),
    };
    match started {
        Ok(members) => {
            let members = Arc::new(members_of(&app, &graph, &transports, &publishing, breakers, &scope, members));
            // In this order, so that whoever waits for the opening finds the scope.
            publishing.outlets.open(&scope);
            scope.opened().cancel();
            if let Some(database) = &mut database {
                database.serve(&publishing.outlets, &scope, !recovers);
            }
            if let Some(orchestration) = orchestration.as_mut().filter(|_| app.part == Part::Whole) {
                orchestration.serve(&scope);
            }
            app.handle.link().open(&members);
            vitals.started(&members, checks(&graph, &mut built, &scope, visits));
            // Whoever reads that it started, and asks, is told so.
            if !visits {
                roster(&graph);
            }
            #[cfg(feature = "prometheus")]
            let metrics = metrics(&graph, &scope, &members, &publishing, &transports);
            #[cfg(all(feature = "admin", feature = "prometheus"))]
            if let Some(metrics) = &metrics {
                served.show(metrics);
            }
            Ok(Running {
                #[cfg(feature = "traces")]
                tracing,
                #[cfg(feature = "prometheus")]
                metrics,
                alerting: Alerting::start(&scope, &transports),
                scope,
                members,
                link: app.handle.link().clone(),
                transports,
                publishing,
                built,
                database,
                orchestration,
                vitals,
                admin,
                drain: graph.settings.drain(),
            })
        }
        Err(error) => {
            // A provider may wait, as it closes, for a task of its own that publishes: that has to learn first that
            // nothing comes of it.
            scope.shutdown().cancel();
            transports::close(&transports).await;
            publishing.outlets.open(&scope);
            scope.opened().cancel();
            built.close().await;
            if let Some(database) = database {
                database.close().await;
            }
            Err(error)
        }
    }
}

/// What there is before anything is built: what was given, and what was read.
fn scope_of(app: &App, graph: &Graph, transports: &[Arc<dyn Transport>], shutdown: CancellationToken) -> Scope {
    let publishers = transports.iter().map(|t| (Text::from(t.name()), t.publisher())).collect();
    let limits = graph.settings.limits();
    let mut scope = Scope::new(publishers, shutdown, app.clock.clone(), limits, graph.service.clone());
    for (id, value) in &graph.sections {
        scope.insert(*id, value.clone());
    }
    for provided in &app.provided {
        scope.insert(provided.id, provided.value.clone());
    }
    scope
}

/// Whoever traces, if something is wanted of it.
#[cfg(feature = "traces")]
fn tracing(app: &App, graph: &Graph, transports: &[Arc<dyn Transport>], scope: &mut Scope) -> Result<Option<Tracing>> {
    let given = app.traces.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let start = |wanted| Tracing::start(wanted, given, &graph.service, transports, scope);
    graph.traces.as_ref().map(start).transpose()
}

/// The pages that are served, and the one that shows metrics once there are some.
#[cfg(all(feature = "admin", feature = "prometheus"))]
fn pages(graph: &Graph, vitals: &Arc<Vitals>) -> (Vec<Arc<dyn Page>>, Served) {
    let (mut pages, served) = (super::health::pages(vitals), Served::default());
    if graph.settings.telemetry.counts() {
        pages.push(Arc::new(served.clone()));
    }
    (pages, served)
}

#[cfg(all(feature = "admin", not(feature = "prometheus")))]
fn pages(_: &Graph, vitals: &Arc<Vitals>) -> (Vec<Arc<dyn Page>>, ()) {
    (super::health::pages(vitals), ())
}

/// The metrics page, unless the configuration wants none.
#[cfg(feature = "prometheus")]
fn metrics(
    graph: &Graph,
    scope: &Arc<Scope>,
    members: &Arc<Members>,
    publishing: &Publishing,
    transports: &[Arc<dyn Transport>],
) -> Option<Metrics> {
    let telemetry = &graph.settings.telemetry;
    let start = || Metrics::start(telemetry.prefix().to_string(), scope, members, &publishing.outlets, transports);
    telemetry.counts().then(start)
}

/// What is asked when somebody asks how the service is.
fn checks(graph: &Graph, built: &mut Built, scope: &Arc<Scope>, visits: bool) -> Checks {
    let of_providers = std::mem::take(&mut built.checked);
    let of_providers =
        of_providers.into_iter().map(|(provider, health, value)| Check::of_provider(provider, health, value));
    let own = graph.health_checks.iter().filter(|_| !visits).map(|check| Check::of(check, scope));
    Checks::new(of_providers.chain(own).collect())
}

/// Connects, declares all queues of all transports, then consumes, unless it only visits. What was opened is closed again
/// on an error.
async fn consume(
    graph: &Graph,
    more: &[Queue],
    transports: &[Arc<dyn Transport>],
    publishing: &Publishing,
    breakers: &Breakers,
    scope: &Arc<Scope>,
    visits: bool,
) -> Result<Vec<Member>, TransportError> {
    let mut by_name: HashMap<&str, &Arc<dyn Transport>> = HashMap::new();
    for transport in transports {
        transport.connect().await?;
        let queues = [queues(graph, transport.name()), more.to_vec()].concat();
        let mut declared = transport.declare(&queues).await;
        while declared.is_err() && failpoint::is_broken(Sabotage::InsistOnTopology) {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            declared = transport.declare(&queues).await;
        }
        declared?;
        by_name.insert(transport.name(), transport);
    }
    let mut consumers: Vec<(&Node, Consumer)> = Vec::with_capacity(graph.nodes.len());
    for node in graph.nodes.iter().filter(|node| node.resolved.enabled && !visits) {
        // The graph check made sure of it.
        let Some(transport) = by_name.get(&*node.resolved.transport) else { continue };
        let Ok(outlet) = publishing.outlets.plain(transport.name()) else { continue };
        // Held to the same numbers by the graph check.
        let Ok(breaker) = breaker(node, breakers) else { continue };
        let plan = Arc::new(plan(node, &***transport, outlet, breaker, scope));
        match Consumer::open(&***transport, plan, manner(node)).await {
            Ok(consumer) => consumers.push((node, consumer)),
            Err(error) => {
                for (_, mut consumer) in consumers {
                    consumer.drain(tokio::time::Instant::now()).await;
                }
                return Err(error);
            }
        }
    }
    Ok(consumers.into_iter().map(|(node, consumer)| Member::linked(node, consumer)).collect())
}

/// The subscribers that run, and what others are made of.
fn members_of(
    app: &App,
    graph: &Graph,
    transports: &[Arc<dyn Transport>],
    publishing: &Publishing,
    breakers: Arc<Breakers>,
    scope: &Arc<Scope>,
    members: Vec<Member>,
) -> Members {
    let parts = Parts {
        settings: graph.settings.clone(),
        service: graph.service.clone(),
        middleware: app.selection.middleware.clone(),
        added: app.middleware.clone(),
        publishers: graph.publishers.iter().map(|publisher| (publisher.registration.id)()).collect(),
        transports: transports.to_vec(),
        breakers,
        scope: scope.clone(),
    };
    Members::new(parts, publishing.outlets.clone(), members, graph.settings.drain())
}

/// The queues of one transport: dead-letter queues first, since a subscriber may consume one as an existing queue.
pub(super) fn queues(graph: &Graph, transport: &str) -> Vec<Queue> {
    let mut queues: Vec<Queue> = Vec::new();
    let nodes = || graph.nodes.iter().filter(|node| &*node.resolved.transport == transport);
    for dead_letter in nodes().filter_map(|node| node.dead_letter.as_ref()) {
        if !queues.iter().any(|queue| queue.name == *dead_letter) {
            queues.push(Queue::dead_letter(dead_letter.clone()));
        }
    }
    // A disabled subscriber's queue is declared too: another role of the same binary consumes it.
    queues.extend(nodes().filter(|node| !node.queue.existing).map(|node| node.queue.clone()));
    let made: Vec<Text> = queues.iter().map(|queue| queue.name.clone()).collect();
    queues.extend(
        nodes()
            .filter(|node| node.queue.existing && node.resolved.enabled && !made.contains(&node.queue.name))
            .map(|node| node.queue.clone()),
    );
    queues
}

/// All queues that the service uses, on whichever transport, whether or not their subscribers are enabled.
pub(super) fn known(graph: &Graph) -> Known {
    let own = graph.nodes.iter().map(|node| node.queue.name.clone());
    let per_instance = graph.nodes.iter().filter(|node| node.queue.exclusive);
    // Subscribers that are made while it runs have queues by their names, if they have no group of their own.
    let expected = graph.expected.iter().flat_map(|name| {
        let queue = format!("{}.{name}", graph.service.name);
        [Text::from(format!("{queue}.dlq")), Text::from(queue)]
    });
    Known::new(own.chain(graph.nodes.iter().filter_map(|node| node.dead_letter.clone())).chain(expected))
        .with_per_instance(per_instance.map(|node| format!("{}.{}", node.group, node.registration.name)))
}

/// The subscriber's breaker, if it is to have one.
///
/// # Errors
/// Somebody who shares it wants something else of it: where that is written.
pub(super) fn breaker(node: &Node, breakers: &Breakers) -> Result<Option<Arc<Breaker>>, Text> {
    let Some(resolved) = &node.resolved.circuit_breaker else { return Ok(None) };
    let place = node.registration.location.to_string();
    breakers.take(&resolved.name, resolved.numbers.limits(), &place).map(Some)
}

pub(super) fn plan(
    node: &Node,
    transport: &dyn Transport,
    outlet: Outlet,
    breaker: Option<Arc<Breaker>>,
    scope: &Arc<Scope>,
) -> Plan {
    let gate = Arc::new(Gate::new());
    let restraints = Restraints::of(breaker, node.resolved.rate_limit.map(Bucket::new), &gate);
    let resolved = &node.resolved;
    let ordered = resolved.order != Order::Unordered;
    let receiver = Receiver::new(
        node.registration.name.clone(),
        node.group.clone(),
        node.queue.name.clone(),
        resolved.transport.clone(),
        resolved.timeout,
    )
    .with_rules(Rules::new(node.registration.classifier.clone(), scope.get::<ErrorClassifier>()));
    Plan {
        receiver: Arc::new(receiver),
        scope: scope.clone(),
        policy: RetryPolicy { retries: resolved.retries, backoff: resolved.backoff },
        handler: scope.get::<SharedErrorHandler>().map(|shared| (*shared).clone()),
        ack: resolved.ack,
        dead_letter: if resolved.ack == AckMode::None { None } else { node.dead_letter.clone() },
        event: resolved.event.clone(),
        codec: resolved.codec,
        ordered,
        batch: resolved.batch,
        delays: transport.capabilities().delay,
        middleware: around(node, scope),
        callable: node.registration.callable.clone(),
        port: transport.publisher(),
        measures: outlet.counts(),
        outlet,
        parking: Parking::new(resolved.prefetch, resolved.concurrency as usize),
        gate,
        restraints,
        late: std::sync::Mutex::new(Counters::new(false)),
        copies: Copies::default(),
        closing: CancellationToken::new(),
    }
}

/// What stands around its handler: middleware, and inside of it all the inbox, and what coordinators know the delivery by.
fn around(node: &Node, scope: &Scope) -> Box<[Arc<dyn Middleware>]> {
    let inbox = node.resolved.inbox.then(|| Arc::new(Inbox) as Arc<dyn Middleware>);
    // Providers are built: whoever opens a coordinator has.
    let current = (!scope.recoveries().is_empty()).then(|| Arc::new(Current) as Arc<dyn Middleware>);
    node.middleware.iter().map(|(_, middleware)| middleware.clone()).chain(inbox).chain(current).collect()
}

pub(super) fn manner(node: &Node) -> Manner {
    Manner {
        concurrency: node.resolved.concurrency as usize,
        prefetch: node.resolved.prefetch,
        order: node.resolved.order,
        start: node.registration.start,
    }
}

/// What was found, and from where: one line a subscriber.
fn roster(graph: &Graph) {
    for node in &graph.nodes {
        let topics: Vec<&str> = node.queue.patterns.iter().map(Text::as_str).collect();
        tracing::info!(
            subscriber = %node.registration.name,
            location = %node.registration.location,
            queue = %node.queue.name,
            topics = topics.join(", "),
            concurrency = node.resolved.concurrency,
            enabled = node.resolved.enabled,
            "subscribed"
        );
    }
    for composite in graph.view().subscribers {
        if let Some(handling) = composite.handling() {
            tracing::info!(subscriber = composite.name, handling, "handles by event handlers");
        }
    }
    for publisher in &graph.publishers {
        tracing::info!(
            publisher = publisher.registration.name,
            location = %publisher.registration.location,
            transport = %publisher.config.transport,
            "publishes"
        );
    }
    tracing::info!(
        service = %graph.service.name,
        version = %graph.service.version,
        instance = %graph.service.instance,
        subscribers = graph.nodes.len(),
        providers = graph.providers.len(),
        "started"
    );
}
