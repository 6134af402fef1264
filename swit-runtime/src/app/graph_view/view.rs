//! What is drawn.

use super::{dot, graph::Graph, mermaid};

/// A service as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GraphView {
    /// The service's name.
    pub service: String,
    /// Its subscribers.
    pub subscribers: Vec<SubscriberView>,
    /// Its named publishers.
    pub publishers: Vec<PublisherView>,
    /// Its sagas.
    pub sagas: Vec<SagaView>,
    /// The events that it knows, so that those without a subscriber are drawn too.
    pub events: Vec<EventView>,
}

/// A subscriber as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SubscriberView {
    /// Its name.
    pub name: String,
    /// Its consumer group.
    pub group: String,
    /// Its queue. Drawn where it takes no topics: it then consumes somebody else's queue.
    pub queue: String,
    /// Topics and patterns.
    pub topics: Vec<String>,
    /// `file:line` of its attribute.
    pub location: String,
    /// Middleware that runs around it, outermost first.
    pub middleware: Vec<String>,
    /// Topics that it may publish to.
    pub emits: Vec<String>,
    /// Named publishers that it takes.
    pub publishers: Vec<String>,
    /// Sagas that it takes, starts or brings events to.
    pub sagas: Vec<String>,
    /// Its dead-letter queue, where it has one.
    pub dead_letter: Option<String>,
    /// Whether it runs.
    pub enabled: bool,
    /// How its event handlers run, where it is a composite.
    pub strategy: Option<String>,
    /// Its event handlers, in their order.
    pub event_handlers: Vec<EventHandlerView>,
}

/// An event handler as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventHandlerView {
    /// Its name.
    pub name: String,
    /// Its place among the others.
    pub order: i32,
    /// `file:line` of its attribute.
    pub location: String,
}

impl SubscriberView {
    /// What a composite does, on one line: `sequential: 10 reserve-stock, 20 notify`.
    pub(in crate::app) fn handling(&self) -> Option<String> {
        let strategy = self.strategy.as_ref()?;
        let handlers = self.event_handlers.iter().map(|handler| format!("{} {}", handler.order, handler.name));
        Some(format!("{strategy}: {}", handlers.collect::<Vec<_>>().join(", ")))
    }
}

/// A named publisher as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublisherView {
    /// Its name.
    pub name: String,
    /// Topics that it publishes to.
    pub topics: Vec<String>,
    /// `file:line` of its attribute.
    pub location: String,
    /// Its transport.
    pub transport: String,
    /// What it says beside: `async`, `batch`.
    pub options: Vec<String>,
}

/// A saga as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SagaView {
    /// Its name.
    pub name: String,
    /// The version of its definition.
    pub version: u32,
    /// `file:line` of its attribute.
    pub location: String,
    /// Its steps, in their order, each with what is special about it: `pay, undone by refund`.
    pub steps: Vec<String>,
    /// Whether this process runs it.
    pub enabled: bool,
}

/// An event as it is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventView {
    /// Its type's name.
    pub name: String,
    /// Its topic.
    pub topic: String,
}

impl GraphView {
    /// As a Mermaid flowchart (<https://mermaid.js.org/syntax/flowchart.html>).
    pub fn mermaid(&self) -> String {
        mermaid::write(&Graph::of(self))
    }

    /// In Graphviz's language (<https://graphviz.org/doc/info/lang.html>).
    pub fn dot(&self) -> String {
        dot::write(&Graph::of(self))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    /// A small service with one of everything.
    pub(in super::super) fn orders() -> GraphView {
        let subscriber = |name: &str, topics: &[&str], emits: &[&str]| SubscriberView {
            name: name.into(),
            group: "orders".into(),
            queue: format!("orders.{name}"),
            topics: texts(topics),
            location: "src/main.rs:10".into(),
            middleware: texts(&["authenticate", "measure"]),
            emits: texts(emits),
            publishers: vec![],
            dead_letter: Some(format!("orders.{name}.dlq")),
            enabled: true,
            ..SubscriberView::default()
        };
        let confirms = SubscriberView {
            publishers: texts(&["receipt"]),
            sagas: texts(&["place-order"]),
            ..subscriber("confirm-order", &["payment.completed"], &["order.confirmed"])
        };
        GraphView {
            service: "orders".into(),
            subscribers: vec![
                confirms,
                SubscriberView {
                    middleware: vec![],
                    dead_letter: None,
                    enabled: false,
                    ..subscriber("audit", &["order.*"], &[])
                },
                SubscriberView {
                    queue: "orders.confirm-order.dlq".into(),
                    middleware: vec![],
                    dead_letter: None,
                    ..subscriber("bury", &[], &[])
                },
            ],
            publishers: vec![PublisherView {
                name: "receipt".into(),
                topics: texts(&["receipt.issued"]),
                location: "src/main.rs:20".into(),
                transport: "default".into(),
                options: texts(&["async"]),
            }],
            sagas: vec![SagaView {
                name: "place-order".into(),
                version: 2,
                location: "src/main.rs:30".into(),
                steps: texts(&["reserve, undone by release", "ship"]),
                enabled: true,
            }],
            events: vec![
                EventView { name: "PaymentCompleted".into(), topic: "payment.completed".into() },
                EventView { name: "OrderConfirmed".into(), topic: "order.confirmed".into() },
                EventView { name: "Unheard".into(), topic: "nobody.listens".into() },
            ],
        }
    }

    /// Names that try to break out of their quotes.
    pub(in super::super) fn hostile() -> GraphView {
        let name = "a\"]; drop --> b\n%%{init: {}}%%<b>&amp;#quot;\\N`|é漢\u{202e}end";
        GraphView {
            service: name.into(),
            subscribers: vec![SubscriberView {
                name: name.into(),
                group: name.into(),
                queue: name.into(),
                topics: vec![name.into(), "end".into()],
                location: name.into(),
                middleware: vec![name.into()],
                emits: vec![name.into()],
                publishers: vec![name.into()],
                sagas: vec![name.into()],
                dead_letter: Some(name.into()),
                enabled: true,
                strategy: Some(name.into()),
                event_handlers: vec![EventHandlerView { name: name.into(), order: 1, location: name.into() }],
            }],
            publishers: vec![PublisherView {
                name: name.into(),
                topics: vec![name.into()],
                location: name.into(),
                transport: name.into(),
                options: vec![name.into()],
            }],
            sagas: vec![SagaView {
                name: name.into(),
                version: 1,
                location: name.into(),
                steps: vec![name.into()],
                enabled: false,
            }],
            events: vec![EventView { name: name.into(), topic: name.into() }],
        }
    }

    #[test]
    fn order_of_the_parts_makes_no_difference() {
        let view = orders();
        let mut turned = view.clone();
        turned.subscribers.reverse();
        turned.publishers.reverse();
        turned.sagas.reverse();
        turned.events.reverse();
        assert_eq!((view.mermaid(), view.dot()), (turned.mermaid(), turned.dot()));
    }

    #[test]
    fn an_empty_service_is_drawn() {
        assert!(GraphView::default().mermaid().starts_with("flowchart LR\n"));
        assert!(GraphView::default().dot().starts_with("digraph "));
    }
}
