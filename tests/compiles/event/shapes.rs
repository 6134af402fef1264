//! Structs of every shape.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "unit")]
struct Unit;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "tuple", key = 0, name = "com.acme/Tuple", codecs = ["json"], newer = "tolerate", unrouted = "error")]
struct Tuple(String, u8);

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "raw", key = r#type)]
struct r#Raw {
    r#type: String,
}

#[test]
fn works() {
    let message = swit::Event::encode(&Tuple("a".into(), 1)).expect("it encodes");
    assert_eq!((message.key.as_deref(), message.event_type.as_deref()), (Some("a"), Some("com.acme/Tuple")));
    let message = swit::Event::encode(&Raw { r#type: "b".into() }).expect("it encodes");
    assert_eq!((message.key.as_deref(), message.event_type.as_deref()), (Some("b"), Some("Raw")));
    assert!(<Unit as swit::Event>::decode(&swit::Event::encode(&Unit).expect("it encodes")).is_ok());
}
