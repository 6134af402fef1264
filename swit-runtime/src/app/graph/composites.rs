//! Composites and their event handlers: that each has the other, and that they fit.
//!
//! A handler that names its composite by its path was held to it when it was compiled; topics may be configured otherwise,
//! and one that names it by its text is held to it here.

use std::collections::HashMap;

use swit_grammar::nearest::nearest;

use super::{Faults, Node, nodes::schemas};
use crate::{
    app::{builder::App, config::ResolvedSubscriber},
    limits::MAX_EVENT_HANDLERS,
    registry::{EventHandlerRegistration, Member, Owner},
    topic,
};

/// All composites of an app; and, where it is all that was linked, whether every handler has one.
pub(super) fn check(app: &App, nodes: &[Node], faults: &mut Faults) {
    for node in nodes {
        members(node, faults);
    }
    if app.selection.whole {
        let names: Vec<_> = nodes.iter().map(|node| (&*node.registration.name, is_composite(node))).collect();
        for handler in &app.selection.event_handlers {
            owner(handler, &names, faults);
        }
    }
}

fn is_composite(node: &Node) -> bool {
    node.registration.composite.is_some()
}

/// The handlers of one composite: there are some, each in a place of its own, and each may come to run.
pub(crate) fn members(node: &Node, faults: &mut Faults) {
    let Some(composite) = node.registration.composite else { return };
    let (name, members) = (composite.subscriber.name, composite.handlers());
    if members.is_empty() {
        faults.add(
            composite.subscriber.location,
            format!("the composite `{name}` has no event handlers"),
            format!(
                "write `#[event_handler(composite = {}, order = 10)]` on a function; if it is in a library crate, name that \
                 crate in the binary: `swit::handlers!(orders);`",
                composite.subscriber.function
            ),
        );
    }
    if members.len() > MAX_EVENT_HANDLERS {
        faults.add(
            composite.subscriber.location,
            format!("the composite `{name}` has {} event handlers; {MAX_EVENT_HANDLERS} is the most", members.len()),
            "divide them among several composites of the same topic",
        );
    }
    unique(name, members, faults);
    for member in members {
        fits(name, member, &node.resolved, faults);
        if let Some(schema) = member.handler.schema {
            schemas(member.handler.name, member.handler.location, schema, faults);
        }
    }
}

/// No order and no name is there twice.
fn unique(composite: &str, members: &[Member], faults: &mut Faults) {
    let (mut orders, mut names) = (HashMap::new(), HashMap::new());
    for member in members {
        let handler = member.handler;
        if let Some(first) = orders.insert(handler.order, handler) {
            let first: &EventHandlerRegistration = first;
            faults.add(
                handler.location,
                format!(
                    "the event handlers `{}` and `{}` ({}) of the composite `{composite}` have the same order, {}",
                    handler.name, first.name, first.location, handler.order
                ),
                "give one of them another `order`",
            );
        }
        if let Some(first) = names.insert(handler.name, handler) {
            let first: &EventHandlerRegistration = first;
            faults.add(
                handler.location,
                format!(
                    "the composite `{composite}` has the event handler `{}` already, at {}",
                    handler.name, first.location
                ),
                "give one of them another `name = \"…\"`",
            );
        }
    }
}

/// A handler's events are among what its composite takes.
fn fits(composite: &str, member: &Member, resolved: &ResolvedSubscriber, faults: &mut Faults) {
    let (location, name, events) = (member.handler.location, member.handler.name, &member.events);
    for event in events {
        let is_taken = resolved.topics.iter().any(|pattern| topic::matches(pattern, event.topic));
        if resolved.queue.is_none() && !resolved.topics.is_empty() && !is_taken {
            let topics: Vec<_> = resolved.topics.iter().map(|topic| format!("\"{topic}\"")).collect();
            faults.add(
                location,
                format!(
                    "the event handler `{name}` takes `{}` of topic \"{}\", but its composite `{composite}` subscribes to {}",
                    event.event_type,
                    event.topic,
                    topics.join(", ")
                ),
                "add the event's topic to the composite, or move the handler to another one",
            );
        }
        if let Some(codec) = resolved.codec.filter(|codec| !event.codecs.contains(codec)) {
            faults.add(
                location,
                format!(
                    "the composite `{composite}` reads \"{}\", which the event `{}` of its handler `{name}` does not accept",
                    codec.name(),
                    event.event_type
                ),
                "add the codec to `#[event(codecs = …)]`",
            );
        }
    }
    if let Some(filter) = &resolved.event
        && !events.is_empty()
        && events.iter().all(|event| event.event_type != filter.as_str())
    {
        faults.add(
            location,
            format!(
                "the event handler `{name}` never runs: its composite `{composite}` takes only messages of the event type \
                 \"{filter}\""
            ),
            "take an event of that type, or move the handler to another composite",
        );
    }
}

/// The composite that a handler names by its text is there.
fn owner(handler: &EventHandlerRegistration, subscribers: &[(&str, bool)], faults: &mut Faults) {
    let Owner::Name(owner) = handler.owner else { return };
    match subscribers.iter().find(|(name, _)| *name == owner) {
        Some((_, true)) => {}
        Some((_, false)) => faults.add(
            handler.location,
            format!("`{}` is an event handler of `{owner}`, which is a subscriber and no composite", handler.name),
            "declare a composite: `swit::composite!(NAME, strategy = sequential, …)`",
        ),
        None => {
            let composites = subscribers.iter().filter(|(_, is_composite)| *is_composite).map(|(name, _)| *name);
            let near = nearest(owner, composites).map(|near| format!("did you mean `{near}`?"));
            faults.add(
                handler.location,
                format!("`{}` is an event handler of the composite `{owner}`, which there is none of", handler.name),
                near.unwrap_or_else(|| {
                    "declare it: `swit::composite!(NAME, strategy = sequential, …)`; if it is in a library crate, name that \
                     crate in the binary: `swit::handlers!(orders);`"
                        .to_owned()
                }),
            );
        }
    }
}
