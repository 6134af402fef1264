//! What must be there once: names, and the purpose of a queue.

use std::{collections::HashMap, fmt::Display};

use super::{Faults, Node, PublisherNode};
use crate::{
    app::builder::App,
    registry::{Location, ProviderRegistration},
};

/// No name stands twice, and `only` and `except` name subscribers that there are.
pub(super) fn names(app: &App, nodes: &[Node], faults: &mut Faults) {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    for node in nodes {
        let (name, location) = (node.registration.name.as_str(), node.registration.location);
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
        // A part of the registry need not hold all that the whole names; nor do those that are subscribed later.
        for name in item.only.iter().chain(item.except).filter(|_| app.selection.whole) {
            if !seen.contains_key(name) && !app.expected.iter().any(|later| *later == **name) {
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

/// No publisher's name stands twice, nor a middleware's on either side, and `only` and `except` of the publishing side name
/// publishers that there are.
pub(super) fn publishers(app: &App, publishers: &[PublisherNode], faults: &mut Faults) {
    let mut seen: HashMap<&str, Location> = HashMap::new();
    for publisher in publishers {
        let (name, location) = (publisher.registration.name, publisher.registration.location);
        if let Some(first) = seen.insert(name, location) {
            faults.add(
                location,
                format!("the publisher `{name}` was already registered at {first}"),
                "give one of them another `name = \"…\"`",
            );
        }
    }
    let consuming = app.selection.middleware.iter().map(|item| (item.name, item.location));
    let mut middleware: HashMap<&str, Location> = consuming.collect();
    for item in &app.selection.publish_middleware {
        if let Some(first) = middleware.insert(item.name, item.location) {
            faults.add(
                item.location,
                format!("the middleware `{}` was already registered at {first}", item.name),
                "give one of them another `name = \"…\"`",
            );
        }
        for name in item.only.iter().chain(item.except).filter(|_| app.selection.whole) {
            if !seen.contains_key(name) {
                let nearest = swit_grammar::nearest::nearest(name, seen.keys().copied());
                faults.add(
                    item.location,
                    format!("the middleware `{}` names the publisher `{name}`, which there is none of", item.name),
                    nearest.map_or_else(|| "name a publisher".to_owned(), |near| format!("did you mean `{near}`?")),
                );
            }
        }
    }
}

/// No health check's name stands twice, those of providers among them.
pub(super) fn health_checks(app: &App, providers: &[&'static ProviderRegistration], faults: &mut Faults) {
    let of_providers =
        providers.iter().filter(|found| found.health.is_some()).map(|found| (found.name, found.location));
    let checks = app.selection.health_checks.iter().map(|found| (found.name, found.location));
    let mut seen: HashMap<&str, Location> = HashMap::new();
    for (name, location) in of_providers.chain(checks) {
        if let Some(first) = seen.insert(name, location) {
            faults.add(
                location,
                format!("the health check `{name}` was already registered at {first}"),
                "give one of them another `name = \"…\"`",
            );
        }
    }
}

/// No queue serves two purposes, and nothing feeds itself.
pub(crate) fn queues(nodes: &[Node], faults: &mut Faults) {
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

/// Those that share a breaker want the same of it.
pub(super) fn breakers(nodes: &[Node], faults: &mut Faults) {
    let mut owners: HashMap<&str, &Node> = HashMap::new();
    for node in nodes.iter().filter(|node| node.resolved.enabled) {
        let Some(breaker) = &node.resolved.circuit_breaker else { continue };
        let owner = owners.entry(&breaker.name).or_insert(node);
        let theirs = owner.resolved.circuit_breaker.as_ref().map(|theirs| theirs.numbers.limits());
        if theirs.is_some_and(|theirs| theirs != breaker.numbers.limits()) {
            differ(node, owner.registration.location, faults);
        }
    }
}

/// A breaker that is shared with somebody, elsewhere, who wants something else of it.
pub(crate) fn differ(node: &Node, elsewhere: impl Display, faults: &mut Faults) {
    let Some(breaker) = &node.resolved.circuit_breaker else { return };
    faults.add(
        node.registration.location,
        format!(
            "`{}` shares the circuit breaker `{}` with {elsewhere}, where its numbers are others",
            node.registration.name, breaker.name
        ),
        "give all that share it the same numbers, or one of them another `name`",
    );
}
