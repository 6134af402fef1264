//! The whole service as one graph: what `check` makes sure of before anything is built or connected.
//!
//! Guarantee: a graph that comes out of [`Graph::check`] has every state provided once, no cycle, no name twice, every
//! transport and publisher configured, every topic covered, every value in range, and fits what its brokers allow; all
//! faults of a service are in one report.

mod composites;
mod faults;
mod nodes;
mod publishers;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
mod requirements;
mod sagas;
mod service;
mod unique;
mod view;

use std::any::TypeId;

pub(crate) use composites::members;
pub(crate) use faults::Faults;
pub(crate) use nodes::{Node, Registered, around};
pub(crate) use publishers::PublisherNode;
#[cfg(feature = "rabbitmq")]
pub(crate) use rabbitmq::check_later;
pub(crate) use requirements::Required;
pub(crate) use unique::{differ, queues as distinct};

use super::{
    admin,
    builder::App,
    config::Settings,
    database, providers,
    transports::{self, Opening},
};
use crate::{
    error::StartupReport,
    publisher::ChainEntry,
    registry::{EventRegistration, HealthCheckRegistration, ProviderRegistration, SagaRegistration},
    scope::{Service, Shared},
    text::Text,
    topic,
};

/// A checked service.
pub struct Graph {
    pub(crate) service: Service,
    pub(crate) settings: Settings,
    pub(crate) nodes: Vec<Node>,
    /// The transports that are to be opened, beside those that the app was given.
    pub(crate) openings: Vec<(Text, Opening)>,
    pub(crate) publishers: Vec<PublisherNode>,
    /// Publish-side middleware, outermost first.
    pub(crate) chain: Vec<(Text, ChainEntry)>,
    /// In the order in which they are built.
    pub(crate) providers: Vec<&'static ProviderRegistration>,
    /// The server that is to be opened.
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "there is nobody to open it"))]
    pub(crate) admin: Option<admin::Opening>,
    /// The database that is to be opened.
    pub(crate) database: Option<database::Opening>,
    pub(crate) health_checks: Vec<&'static HealthCheckRegistration>,
    pub(crate) sagas: Vec<&'static SagaRegistration>,
    pub(crate) sections: Vec<(TypeId, Shared)>,
    pub(crate) events: Vec<&'static EventRegistration>,
    /// Names of subscribers that may be made while it runs.
    pub(crate) expected: Vec<Text>,
    /// What is wanted of traces, if anything is.
    #[cfg(feature = "traces")]
    pub(crate) traces: Option<super::traces::Wanted>,
    warnings: Vec<String>,
}

impl Graph {
    /// Checks an app; see [`App::check`].
    pub(crate) fn check(app: &App) -> Result<Self, StartupReport> {
        let mut faults = Faults::default();
        let requirements = requirements::requirements(app);
        let (settings, found) = requirements::read_settings(app, &requirements);
        faults.all(found);
        let service = service::service(app, &settings);
        service::named(app, &settings, &mut faults);
        service::linked(app, &mut faults);
        let sections = requirements::sections(&requirements, &settings, &mut faults);
        let providers = providers::order(app, &requirements, &mut faults);
        let nodes = nodes::nodes(app, &settings, &service, &mut faults);
        composites::check(app, &nodes, &mut faults);
        let publishers = publishers::registrations(app, &requirements, &mut faults);
        let publishers = publishers::nodes(publishers, &settings, &mut faults);
        let chain = publishers::chain(app, &settings);
        unique::names(app, &nodes, &mut faults);
        unique::publishers(app, &publishers, &mut faults);
        unique::health_checks(app, &providers, &mut faults);
        let sagas = sagas::sagas(app, &requirements, &mut faults);
        unique::queues(&nodes, &mut faults);
        unique::breakers(&nodes, &mut faults);
        let openings = transports::openings(app, &settings, &service, &mut faults);
        let admin = admin::opening(app, &settings, &mut faults);
        let database = database::opening(app, &settings, &service, &requirements, &nodes, &mut faults);
        #[cfg(feature = "rabbitmq")]
        rabbitmq::check(app, &settings, &nodes, &mut faults);
        #[cfg(not(feature = "prometheus"))]
        if let Some((key, place)) = settings.telemetry.wants_metrics() {
            faults.add(
                place,
                format!("`telemetry.{key}` is about the metrics page, which is not compiled in"),
                "build with the feature `prometheus`, or leave the key out",
            );
        }
        #[cfg(feature = "traces")]
        let traces = super::traces::resolve(app, &settings, &mut faults);
        #[cfg(not(feature = "traces"))]
        if let Some((key, place)) = settings.telemetry.wants_traces() {
            faults.add(
                place,
                format!("`telemetry.{key}` is about traces, which are not compiled in"),
                "build with the feature `traces`, or `otlp` for a collector, or leave the key out",
            );
        }
        if cfg!(panic = "abort") {
            faults.add(
                "Cargo.toml",
                "the program is built with `panic = \"abort\"`",
                "remove it: a handler that panics would take the service with it",
            );
        }
        faults.report()?;
        let events = app.selection.events.clone();
        let health_checks = app.selection.health_checks.clone();
        let expected = app.expected.clone();
        #[cfg_attr(not(feature = "rabbitmq"), expect(unused_mut, reason = "no other transport has warnings"))]
        let mut warnings = warnings(app, &nodes);
        #[cfg(feature = "rabbitmq")]
        warnings.extend(rabbitmq::warnings(app, &settings));
        Ok(Self {
            service,
            settings,
            nodes,
            openings,
            publishers,
            chain,
            providers,
            admin,
            database,
            health_checks,
            sagas,
            sections,
            events,
            expected,
            #[cfg(feature = "traces")]
            traces,
            warnings,
        })
    }

    /// What is not wrong, but worth knowing: events that nobody subscribes to, queues that protect less than others.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The names of the transports that subscribers consume from and publishers publish to, and `default`.
    pub fn transports(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.nodes.iter().map(|node| &*node.resolved.transport).collect();
        names.extend(self.publishers.iter().map(|publisher| &*publisher.config.transport));
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
