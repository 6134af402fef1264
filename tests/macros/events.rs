//! `#[derive(Event)]`: topics, keys, versions, enums.

use serde::{Deserialize, Serialize};
use swit::{Event, Message, Unrouted};
use swit_runtime::{codec::DecodeError, event::Newer};

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "order.placed", version = 3, key = id, name = "Order", upcast = OrderV2, unrouted = "error")]
struct Order {
    id: String,
    cents: u64,
    currency: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.placed", version = 2, name = "Order", upcast = OrderV1)]
struct OrderV2 {
    id: String,
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.placed", name = "Order")]
struct OrderV1 {
    id: String,
    euros: u64,
}

impl From<OrderV1> for OrderV2 {
    fn from(old: OrderV1) -> Self {
        Self { id: old.id, cents: old.euros * 100 }
    }
}

impl From<OrderV2> for Order {
    fn from(old: OrderV2) -> Self {
        Self { id: old.id, cents: old.cents, currency: "EUR".into() }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "order.paid", newer = "tolerate")]
struct Paid {
    id: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct Refunded {
    id: u32,
}

#[derive(Debug, PartialEq, Event)]
enum Any {
    Order(Order),
    Paid(Paid),
    Refunded(Refunded),
}

fn order() -> Order {
    Order { id: "o-1".into(), cents: 250, currency: "CHF".into() }
}

#[test]
fn a_descriptor_says_what_the_attribute_says() {
    let descriptor = order().descriptor();
    assert_eq!(Order::DESCRIPTORS, [*descriptor]);
    assert_eq!((descriptor.topic, descriptor.event_type, descriptor.version), ("order.placed", "Order", 3));
    assert_eq!((descriptor.newer, descriptor.unrouted), (Newer::Refuse, Unrouted::Error));
    let default = Refunded::DESCRIPTORS[0];
    assert_eq!((default.event_type, default.version, default.unrouted), ("Refunded", 1, Unrouted::Warn));
}

#[test]
fn what_is_encoded_is_decoded() {
    let message = order().encode().expect("it encodes");
    assert_eq!((&*message.topic, message.key.as_deref(), message.version), ("order.placed", Some("o-1"), 3));
    assert_eq!(message.event_type.as_deref(), Some("Order"));
    assert_eq!(Order::decode(&message).expect("it decodes"), order());
    assert_eq!(Refunded { id: 1 }.encode().expect("it encodes").key, None);
}

#[test]
fn older_versions_go_through_the_whole_chain() {
    let old = |version, payload: &'static str| {
        let mut message = Message::new("order.placed", payload);
        message.version = version;
        Order::decode(&message).expect("it decodes")
    };
    let expected = |cents| Order { id: "o-1".into(), cents, currency: "EUR".into() };
    assert_eq!(old(1, r#"{"id":"o-1","euros":3}"#), expected(300));
    assert_eq!(old(2, r#"{"id":"o-1","cents":7}"#), expected(7));
    // 0 says nothing: it is taken for the current version.
    assert_eq!(old(0, r#"{"id":"o-1","cents":250,"currency":"CHF"}"#), order());
}

#[test]
fn newer_versions_are_refused_unless_tolerated() {
    let mut message = order().encode().expect("it encodes");
    message.version = 4;
    assert!(matches!(Order::decode(&message), Err(DecodeError::Newer { version: 4, known: 3, .. })));
    let mut message = Paid { id: 1 }.encode().expect("it encodes");
    message.version = 9;
    assert_eq!(Paid::decode(&message).expect("it is tolerated"), Paid { id: 1 });
}

#[test]
fn an_enum_dispatches_by_topic_then_event_type() {
    for event in [Any::Order(order()), Any::Paid(Paid { id: 1 }), Any::Refunded(Refunded { id: 2 })] {
        let message = event.encode().expect("it encodes");
        assert_eq!(Any::decode(&message).expect("it decodes"), event);
    }
    assert_eq!(Any::DESCRIPTORS.len(), 3);
    assert_eq!(Any::Paid(Paid { id: 1 }).descriptor(), &Paid::DESCRIPTORS[0]);
}

#[test]
fn an_enum_refuses_what_is_none_of_its_events() {
    let mut message = Message::new("order.lost", "{}");
    assert!(matches!(Any::decode(&message), Err(DecodeError::EventType { type_name: "Any", .. })));
    message.topic = "order.paid".into();
    message.event_type = Some("Lost".into());
    assert!(matches!(Any::decode(&message), Err(DecodeError::EventType { .. })));
    // Without an event type the first of the topic is taken.
    message.event_type = None;
    message.payload = r#"{"id":5}"#.into();
    assert_eq!(Any::decode(&message).expect("it decodes"), Any::Paid(Paid { id: 5 }));
}

#[test]
fn an_enum_upcasts_through_its_variants() {
    let mut message = Message::new("order.placed", r#"{"id":"o-1","euros":1}"#);
    message.version = 1;
    let expected = Order { id: "o-1".into(), cents: 100, currency: "EUR".into() };
    assert_eq!(Any::decode(&message).expect("it decodes"), Any::Order(expected));
}
