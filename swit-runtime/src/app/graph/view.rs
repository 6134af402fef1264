//! The graph as it is drawn.

use super::{Graph, Node};
use crate::{
    app::graph_view::{EventView, GraphView, SubscriberView},
    text::Text,
};

impl Graph {
    /// What `graph` draws: topics, subscribers, what they publish, middleware, dead letters.
    pub fn view(&self) -> GraphView {
        let events = self.events.iter().flat_map(|event| {
            let topics = event.descriptors.iter().map(|known| known.topic.to_owned());
            topics.map(|topic| EventView { name: event.name.to_owned(), topic })
        });
        GraphView {
            service: self.service.name.to_string(),
            subscribers: self.nodes.iter().map(subscriber).collect(),
            events: events.collect(),
        }
    }
}

fn subscriber(node: &Node) -> SubscriberView {
    SubscriberView {
        name: node.registration.name.to_owned(),
        group: node.group.to_string(),
        queue: node.queue.name.to_string(),
        topics: node.queue.patterns.iter().map(Text::to_string).collect(),
        location: node.registration.location.to_string(),
        middleware: node.middleware.iter().map(|(name, _)| name.to_string()).collect(),
        emits: node.emits.iter().map(|event| event.topic.to_owned()).collect(),
        dead_letter: node.dead_letter.as_ref().map(Text::to_string),
        enabled: node.resolved.enabled,
    }
}
