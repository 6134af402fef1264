//! Nodes and edges, sorted and with ids, before any language's own words.

use std::collections::{BTreeMap, BTreeSet};

use swit_grammar::topic::{is_pattern, matches};

use super::{GraphView, PublisherView, SagaView, SubscriberView};

/// What both languages write.
pub(super) struct Graph<'a> {
    pub(super) service: &'a str,
    /// Subscribers, publishers and sagas, which stand inside the service.
    pub(super) subscribers: Vec<Node>,
    /// Topics, patterns and queues, which stand around it.
    pub(super) places: Vec<Node>,
    pub(super) edges: BTreeSet<Edge>,
}

/// A node.
pub(super) struct Node {
    pub(super) id: String,
    pub(super) kind: Kind,
    /// What is written in it, line by line, not escaped.
    pub(super) lines: Vec<String>,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Topic,
    Pattern,
    Queue,
    DeadLetter,
    Subscriber,
    Disabled,
    Publisher,
    Saga,
    /// A saga that others run.
    DisabledSaga,
}

/// An edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) kind: Flow,
}

/// What goes along an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flow {
    /// A topic or queue is consumed.
    Consumes,
    /// A subscriber or a publisher publishes.
    Publishes,
    /// A subscriber takes a publisher or a saga.
    Takes,
    /// A topic is one of a pattern's.
    Matches,
    /// What is given up.
    DeadLetters,
}

impl<'a> Graph<'a> {
    pub(super) fn of(view: &'a GraphView) -> Self {
        let mut graph = Self { service: &view.service, subscribers: vec![], places: vec![], edges: BTreeSet::new() };
        let mut sorted: Vec<&SubscriberView> = view.subscribers.iter().collect();
        sorted.sort_by_key(|subscriber| (&subscriber.name, &subscriber.location, &subscriber.queue));
        let mut topics: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for event in &view.events {
            topics.entry(&event.topic).or_default().insert(&event.name);
        }
        let mut queues: BTreeMap<&str, Kind> = BTreeMap::new();
        let mut ids: BTreeMap<String, usize> = BTreeMap::new();
        for subscriber in sorted {
            let id = unique(&mut ids, id("s", &subscriber.name));
            for topic in &subscriber.topics {
                topics.entry(topic).or_default();
                graph.edge(topic_id(topic), id.clone(), Flow::Consumes);
            }
            if subscriber.topics.is_empty() && !subscriber.queue.is_empty() {
                queues.entry(&subscriber.queue).or_insert(Kind::Queue);
                graph.edge(queue_id(&subscriber.queue), id.clone(), Flow::Consumes);
            }
            for publisher in &subscriber.publishers {
                graph.edge(id.clone(), publisher_id(publisher), Flow::Takes);
            }
            for saga in &subscriber.sagas {
                graph.edge(id.clone(), saga_id(saga), Flow::Takes);
            }
            for topic in &subscriber.emits {
                topics.entry(topic).or_default();
                graph.edge(id.clone(), topic_id(topic), Flow::Publishes);
            }
            if let Some(queue) = &subscriber.dead_letter {
                queues.insert(queue, Kind::DeadLetter);
                graph.edge(id.clone(), queue_id(queue), Flow::DeadLetters);
            }
            graph.subscribers.push(node(id, subscriber));
        }
        let mut publishers: Vec<&PublisherView> = view.publishers.iter().collect();
        publishers.sort_by_key(|publisher| (&publisher.name, &publisher.location));
        for publisher in publishers {
            let id = unique(&mut ids, publisher_id(&publisher.name));
            for topic in &publisher.topics {
                topics.entry(topic).or_default();
                graph.edge(id.clone(), topic_id(topic), Flow::Publishes);
            }
            graph.subscribers.push(publisher_node(id, publisher));
        }
        let mut sagas: Vec<&SagaView> = view.sagas.iter().collect();
        sagas.sort_by_key(|saga| (&saga.name, &saga.location));
        for saga in sagas {
            let id = unique(&mut ids, saga_id(&saga.name));
            graph.subscribers.push(saga_node(id, saga));
        }
        for pattern in topics.keys().filter(|topic| is_pattern(topic)) {
            for topic in topics.keys().filter(|topic| !is_pattern(topic) && matches(pattern, topic)) {
                graph.edges.insert(Edge { from: topic_id(topic), to: topic_id(pattern), kind: Flow::Matches });
            }
        }
        graph.places.extend(topics.into_iter().map(|(topic, events)| {
            let lines = [topic].into_iter().chain(events).map(Into::into).collect();
            Node { id: topic_id(topic), kind: if is_pattern(topic) { Kind::Pattern } else { Kind::Topic }, lines }
        }));
        let queue = |(queue, kind): (&str, _)| Node { id: queue_id(queue), kind, lines: vec![queue.into()] };
        graph.places.extend(queues.into_iter().map(queue));
        graph
    }

    fn edge(&mut self, from: String, to: String, kind: Flow) {
        self.edges.insert(Edge { from, to, kind });
    }
}

fn node(id: String, subscriber: &SubscriberView) -> Node {
    let mut lines = vec![subscriber.name.clone()];
    if !subscriber.group.is_empty() {
        lines.push(format!("group {}", subscriber.group));
    }
    if !subscriber.middleware.is_empty() {
        lines.push(format!("middleware {}", subscriber.middleware.join(", ")));
    }
    lines.extend(subscriber.strategy.clone());
    lines.extend(subscriber.event_handlers.iter().map(|handler| format!("{} {}", handler.order, handler.name)));
    if !subscriber.enabled {
        lines.push("disabled".into());
    }
    if !subscriber.location.is_empty() {
        lines.push(subscriber.location.clone());
    }
    Node { id, kind: if subscriber.enabled { Kind::Subscriber } else { Kind::Disabled }, lines }
}

fn publisher_node(id: String, publisher: &PublisherView) -> Node {
    let mut lines = vec![publisher.name.clone()];
    lines.extend(publisher.options.iter().cloned());
    if !matches!(publisher.transport.as_str(), "" | "default") {
        lines.push(format!("transport {}", publisher.transport));
    }
    if !publisher.location.is_empty() {
        lines.push(publisher.location.clone());
    }
    Node { id, kind: Kind::Publisher, lines }
}

fn saga_node(id: String, saga: &SagaView) -> Node {
    let mut lines = vec![saga.name.clone(), format!("saga, version {}", saga.version)];
    lines.extend(saga.steps.iter().enumerate().map(|(at, step)| format!("{} {step}", at + 1)));
    if !saga.enabled {
        lines.push("disabled".into());
    }
    if !saga.location.is_empty() {
        lines.push(saga.location.clone());
    }
    Node { id, kind: if saga.enabled { Kind::Saga } else { Kind::DisabledSaga }, lines }
}

fn saga_id(saga: &str) -> String {
    id("g", saga)
}

fn publisher_id(publisher: &str) -> String {
    id("p", publisher)
}

fn topic_id(topic: &str) -> String {
    id("t", topic)
}

fn queue_id(queue: &str) -> String {
    id("q", queue)
}

/// An id of ASCII letters, digits and `_` that no other name of this kind has: what else it holds is written as `_hex_`.
///
/// It depends on the name alone, so that a picture changes only where the service did. The prefix keeps it apart from
/// the other kinds and from the languages' own words (`end`).
fn id(prefix: &str, name: &str) -> String {
    let mut id = format!("{prefix}_");
    for char in name.chars() {
        if char.is_ascii_alphanumeric() {
            id.push(char);
        } else {
            id.extend(["_", &format!("{:x}", u32::from(char)), "_"]);
        }
    }
    id
}

/// The same id for the first, a numbered one for what should not be there: a second subscriber of the same name.
fn unique(ids: &mut BTreeMap<String, usize>, id: String) -> String {
    let count = ids.entry(id.clone()).or_default();
    *count += 1;
    // In an id of a name, `__` is the end of one escape and the start of another, so a hex digit follows, never an `x`.
    if *count == 1 { id } else { format!("{id}__x{count}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_of_one_name_are_two_nodes() {
        let subscriber = |line: u32| SubscriberView {
            name: "ship".into(),
            location: format!("src/main.rs:{line}"),
            ..SubscriberView::default()
        };
        let view = GraphView { subscribers: vec![subscriber(1), subscriber(2)], ..GraphView::default() };
        let graph = Graph::of(&view);
        assert_eq!(graph.subscribers.iter().map(|node| node.id.as_str()).collect::<Vec<_>>(), ["s_ship", "s_ship__x2"]);
    }

    proptest! {
        #[test]
        fn ids_are_plain_and_tell_names_apart(a in "[a.-_\\PC]{0,6}", b in "[a.-_\\PC]{0,6}") {
            prop_assert!(id("t", &a).chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
            prop_assert_eq!(id("t", &a) == id("t", &b), a == b);
        }
    }
}
