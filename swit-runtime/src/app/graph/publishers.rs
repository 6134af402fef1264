//! Publishers and publish-side middleware in the graph, after configuration.

use super::{Faults, Required};
use crate::{
    app::{
        builder::App,
        config::{MiddlewareSettings, Set, Settings, resolve_publisher},
    },
    middleware::PublishLink,
    publisher::{ChainEntry, PublisherConfig},
    registry::{PublisherRef, PublisherRegistration},
    text::Text,
    topic::check_topic,
};

/// A publisher in the graph.
pub(crate) struct PublisherNode {
    pub(crate) registration: &'static PublisherRegistration,
    pub(crate) config: PublisherConfig,
}

/// The named publishers of an app: those that it selects, and those that some argument takes.
pub(super) fn registrations(
    app: &App,
    required: &Required,
    faults: &mut Faults,
) -> Vec<&'static PublisherRegistration> {
    let mut found = app.selection.publishers.clone();
    for (location, name, needs) in required {
        for publisher in needs.publishers() {
            let mut linked = inventory::iter::<PublisherRef>().map(|linked| linked.0);
            match linked.find(|linked| (linked.id)() == publisher.id) {
                Some(linked) => found.push(linked),
                None => faults.add(
                    location,
                    format!("`{name}` takes `Publisher<{}>`, which is not registered", publisher.type_name),
                    "write `#[publisher(event = …)]` on its struct",
                ),
            }
        }
    }
    found.sort_by_key(|found| (found.location, found.name));
    found.dedup_by_key(|found| (found.id)());
    found
}

/// The publishers, configured and checked.
pub(super) fn nodes(
    registrations: Vec<&'static PublisherRegistration>,
    settings: &Settings,
    faults: &mut Faults,
) -> Vec<PublisherNode> {
    let configured = |registration: &'static PublisherRegistration| {
        let (name, location) = (registration.name, registration.location);
        let (config, found) = resolve_publisher(&registration.spec, name, location, settings);
        faults.all(found);
        for event in registration.events {
            // The derive has checked its own; an `Event` that somebody wrote by hand is seen here.
            if let Err(fault) = check_topic(event.topic) {
                faults.add(location, format!("the publisher `{name}`: {}", fault.message), fault.help);
            }
        }
        PublisherNode { registration, config }
    };
    registrations.into_iter().map(configured).collect()
}

/// The publish-side middleware, outermost first.
pub(super) fn chain(app: &App, settings: &Settings) -> Vec<(Text, ChainEntry)> {
    let nothing = MiddlewareSettings::default();
    let mut chain: Vec<(i32, Text, ChainEntry)> = Vec::new();
    for item in &app.selection.publish_middleware {
        let set = settings.middleware.get(item.name).unwrap_or(&nothing);
        let link = PublishLink { middleware: (item.make)(), topics: item.topics };
        let (only, except) = (names(set.only.as_ref(), item.only), names(set.except.as_ref(), item.except));
        if runs(set) {
            let entry = ChainEntry { link, only, except };
            chain.push((order(set, item.order), Text::from_static(item.name), entry));
        }
    }
    for added in &app.publish_middleware {
        let set = settings.middleware.get(&*added.name).unwrap_or(&nothing);
        let link = PublishLink { middleware: added.middleware.clone(), topics: &[] };
        let (only, except) = (names(set.only.as_ref(), &[]), names(set.except.as_ref(), &[]));
        if runs(set) {
            chain.push((order(set, added.order), added.name.clone(), ChainEntry { link, only, except }));
        }
    }
    // Stable: equal orders stand by module and name, as the selection does.
    chain.sort_by_key(|(order, ..)| *order);
    chain.into_iter().map(|(_, name, entry)| (name, entry)).collect()
}

fn runs(set: &MiddlewareSettings) -> bool {
    set.enabled.as_ref().is_none_or(|enabled| enabled.value)
}

fn order(set: &MiddlewareSettings, written: i32) -> i32 {
    set.order.as_ref().map_or(written, |order| order.value)
}

fn names(set: Option<&Set<Vec<Text>>>, written: &[&'static str]) -> Vec<Text> {
    set.map_or_else(|| written.iter().copied().map(Text::from_static).collect(), |set| set.value.clone())
}
