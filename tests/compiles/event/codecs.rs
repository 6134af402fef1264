//! Events of every codec: what they need of their type, and nothing else.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Debug, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "order.created", codec = "msgpack", key = id)]
struct Created {
    id: u64,
}

/// Nothing of serde.
#[derive(Clone, PartialEq, prost::Message, Event)]
#[event(topic = "order.paid", codec = "protobuf", key = id)]
struct Paid {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message, Event)]
#[event(topic = "order.sent", codecs = ["protobuf", "msgpack", "json"])]
struct Sent {
    #[prost(uint64, tag = "1")]
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "thing.changed", codecs = ["msgpack", "json"])]
struct Changed<T> {
    to: T,
}

#[derive(Event)]
enum OrderEvent {
    Created(Created),
    Paid(Paid),
    Sent(Sent),
}

#[subscriber(codec = "protobuf")]
async fn paid(_: Paid) {}

#[subscriber(codec = "json")]
async fn sent(_: Sent) -> Publish<Paid> {
    Publish(Paid { id: "1".into() })
}

#[subscriber]
async fn any(_: OrderEvent) {}

#[subscriber]
async fn changed(_: Changed<u8>) {}

#[subscriber(topic = "order.#")]
async fn raw(_: Result<swit::MsgPack<Created>, swit::DecodeError>, _: Result<swit::Protobuf<Paid>, swit::DecodeError>) {
}

#[test]
fn works() {
    let message = swit::Event::encode(&Paid { id: "7".into() }).expect("it encodes");
    assert_eq!(message.content_type.as_deref(), Some("application/protobuf"));
    assert_eq!((message.key.as_deref(), message.payload.as_ref()), (Some("7"), &b"\x0a\x017"[..]));
    let message = swit::Event::encode(&Changed { to: 1_u8 }).expect("it encodes");
    assert_eq!(message.content_type.as_deref(), Some("application/msgpack"));
}
