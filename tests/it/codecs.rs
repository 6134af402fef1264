//! Events of every codec, end to end: the first is published, the content type says which of them is read.

use serde::{Deserialize, Serialize};
use swit::{App, DecodeError, Event, Message, MsgPack, Protobuf, Publish, State, codec, subscriber, testing::TestApp};

use crate::support::Journal;

/// Of serde alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "packed.made", codec = "msgpack", key = id)]
struct Packed {
    id: u32,
    lines: Vec<String>,
}

/// Of prost alone.
#[derive(Clone, PartialEq, prost::Message, Event)]
#[event(topic = "proto.made", codec = "protobuf", key = id, unrouted = "ignore")]
struct Proto {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(uint64, repeated, tag = "2")]
    cents: Vec<u64>,
}

/// Of both; MessagePack is what it is published in.
#[derive(Clone, PartialEq, Serialize, Deserialize, prost::Message, Event)]
#[event(topic = "both.made", codecs = ["msgpack", "protobuf", "json"])]
struct Both {
    #[prost(uint32, tag = "1")]
    id: u32,
}

#[derive(Debug, Clone, PartialEq, Event)]
enum Made {
    Packed(Packed),
    Proto(Proto),
    Both(Both),
}

fn packed(id: u32) -> Packed {
    Packed { id, lines: vec!["größe".into(), String::new()] }
}

fn with(content_type: &'static str, payload: impl Into<bytes::Bytes>) -> Message {
    Message::new("", payload).with_content_type(content_type)
}

#[subscriber]
async fn takes_packed(event: Packed, journal: State<Journal>) -> Publish<Proto> {
    journal.note(format!("{} {}", event.id, event.lines.join("/")));
    Publish(Proto { id: event.id.to_string(), cents: vec![1, 300] })
}

#[subscriber]
async fn takes_proto(event: Proto, journal: State<Journal>) {
    journal.note(format!("{} {:?}", event.id, event.cents));
}

#[tokio::test(start_paused = true)]
async fn events_of_serde_and_of_prost_travel() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_packed, takes_proto)>().provide(journal.clone())).await.unwrap();
    app.publish(&packed(7)).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["7 größe/", "7 [1, 300]"]);
    assert_eq!(app.published::<Packed>(), [packed(7)]);
    assert_eq!(app.published::<Proto>(), [Proto { id: "7".into(), cents: vec![1, 300] }]);
    let message = &app.published_to("packed.made")[0];
    assert_eq!((message.content_type.as_deref(), message.key.as_deref()), (Some("application/msgpack"), Some("7")));
    let message = &app.published_to("proto.made")[0];
    assert_eq!(message.content_type.as_deref(), Some("application/protobuf"));
    // Field 1, three bytes of text … as the specification has it.
    assert_eq!(&message.payload[..], [0x0a, 1, b'7', 0x12, 3, 1, 0xac, 2]);
    app.shutdown().await.unwrap();
}

#[subscriber]
async fn takes_both(event: Both, journal: State<Journal>) {
    journal.note(event.id.to_string());
}

#[tokio::test(start_paused = true)]
async fn the_content_type_selects_among_the_accepted() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_both,)>().provide(journal.clone())).await.unwrap();
    app.publish(&Both { id: 1 }).await.unwrap();
    assert_eq!(app.published_to("both.made")[0].content_type.as_deref(), Some("application/msgpack"));
    let both = |id| Both { id };
    for message in [
        with("application/x-msgpack", codec::msgpack::encode(&both(2)).unwrap()),
        with("application/vnd.msgpack", codec::msgpack::encode(&both(3)).unwrap()),
        with("application/protobuf", codec::protobuf::encode(&both(4)).unwrap()),
        with("application/x-protobuf; proto=Both", codec::protobuf::encode(&both(5)).unwrap()),
        with("application/vnd.google.protobuf", codec::protobuf::encode(&both(6)).unwrap()),
        with("application/json", codec::json::encode(&both(7)).unwrap()),
        // Without a content type it is the first.
        Message::new("", codec::msgpack::encode(&both(8)).unwrap()),
    ] {
        app.publish_to("both.made", message).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1", "2", "3", "4", "5", "6", "7", "8"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_accepted_and_what_is_not_it_is_dead_lettered_at_once() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_packed, takes_proto)>().provide(journal.clone())).await.unwrap();
    let deep = [0x91].repeat(1_000_000);
    let fine = codec::msgpack::encode(&packed(1)).unwrap();
    for (content_type, payload) in [
        ("application/json", fine.clone()),
        ("application/protobuf", fine.clone()),
        ("application/msgpack", deep),
        ("application/msgpack", fine[..fine.len() - 1].to_vec()),
        ("application/msgpack", [&fine[..], &[0xc0]].concat()),
        ("application/msgpack", b"\xdd\xff\xff\xff\xff".to_vec()),
        ("application/msgpack", Vec::new()),
    ] {
        app.publish_to("packed.made", with(content_type, payload)).await.unwrap();
    }
    // Groups within groups, a length beyond the end, text that is not UTF-8.
    for payload in [&[0x1b].repeat(1_000_000)[..], &[0x0a, 0x7f], &[0x0a, 1, 0xff]] {
        app.publish_to("proto.made", with("application/protobuf", payload.to_vec())).await.unwrap();
    }
    app.wait_quiet().await;
    let dead = app.dead_letters("takes-packed");
    assert_eq!(dead.len(), 7);
    assert!(dead.iter().all(|letter| letter.reason == "invalid_input" && letter.attempts == 1));
    assert!(dead[0].error.contains("application/json") && dead[0].error.contains("accepted: application/msgpack"));
    assert!(dead[2].error.contains("deeper than 128 levels"), "{}", dead[2].error);
    assert!(dead[4].error.contains("after the value"), "{}", dead[4].error);
    let dead = app.dead_letters("takes-proto");
    assert_eq!(dead.len(), 3);
    assert!(dead.iter().all(|letter| letter.reason == "invalid_input" && letter.attempts == 1));
    assert!(journal.lines().is_empty());
    app.shutdown().await.unwrap();
}

#[subscriber(topics = ["packed.made", "proto.made", "both.made"])]
async fn takes_any(event: Made, journal: State<Journal>) {
    journal.note(match event {
        Made::Packed(event) => format!("packed {}", event.id),
        Made::Proto(event) => format!("proto {}", event.id),
        Made::Both(event) => format!("both {}", event.id),
    });
}

/// The topic says which event it is, and that event's codecs which content types it may have.
#[tokio::test(start_paused = true)]
async fn each_event_of_an_enum_has_its_own_codecs() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_any,)>().provide(journal.clone())).await.unwrap();
    for event in
        [Made::Packed(packed(1)), Made::Proto(Proto { id: "2".into(), cents: vec![] }), Made::Both(Both { id: 3 })]
    {
        app.publish(&event).await.unwrap();
    }
    app.publish_to("both.made", with("application/json", r#"{"id": 4}"#)).await.unwrap();
    // JSON is one of the codecs of `Both`, not of `Packed`.
    app.publish_to("packed.made", with("application/json", r#"{"id": 5, "lines": []}"#)).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["packed 1", "proto 2", "both 3", "both 4"]);
    let dead = app.dead_letters("takes-any");
    assert_eq!(dead.len(), 1);
    assert!(dead[0].error.contains("`Packed` accepts"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

#[subscriber(codec = "protobuf")]
async fn takes_only_protobuf(event: Both, journal: State<Journal>) {
    journal.note(event.id.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_narrows_what_the_event_accepts() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_only_protobuf,)>().provide(journal.clone())).await.unwrap();
    app.publish(&Both { id: 1 }).await.unwrap();
    app.publish_to("both.made", with("application/protobuf", codec::protobuf::encode(&Both { id: 2 }).unwrap()))
        .await
        .unwrap();
    // Without a content type it is the codec of the subscriber, not the first of the event.
    app.publish_to("both.made", Message::new("", codec::protobuf::encode(&Both { id: 3 }).unwrap())).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["2", "3"]);
    let dead = app.dead_letters("takes-only-protobuf");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "invalid_input", 0));
    assert!(dead[0].error.contains("application/msgpack"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "price.moved", name = "Price")]
struct PriceV1 {
    cents: u32,
}

#[derive(Clone, PartialEq, prost::Message, Event)]
#[event(topic = "price.moved", version = 2, name = "Price", codec = "protobuf", upcast = PriceV1)]
struct Price {
    #[prost(string, tag = "1")]
    amount: String,
}

impl From<PriceV1> for Price {
    fn from(old: PriceV1) -> Self {
        Self { amount: format!("{}.{:02}", old.cents / 100, old.cents % 100) }
    }
}

#[subscriber]
async fn follows_prices(price: Price, journal: State<Journal>) {
    journal.note(price.amount);
}

/// So an event moves from one codec to another: with a version, of which the older one keeps its own.
#[tokio::test(start_paused = true)]
async fn older_versions_keep_their_codec() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(follows_prices,)>().provide(journal.clone())).await.unwrap();
    app.publish(&PriceV1 { cents: 1990 }).await.unwrap();
    app.publish(&Price { amount: "5.00".into() }).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["19.90", "5.00"]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "foreign.#")]
async fn takes_foreign(
    one: Result<MsgPack<Packed>, DecodeError>,
    other: Result<Protobuf<Proto>, DecodeError>,
    journal: State<Journal>,
) {
    journal.note(format!("{:?} {:?}", one.map(|one| one.id).ok(), other.map(|other| other.0.id).ok()));
}

#[tokio::test(start_paused = true)]
async fn payloads_of_other_services_are_read_by_a_codec_of_ones_choice() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_foreign,)>().provide(journal.clone())).await.unwrap();
    app.publish_to("foreign.a", Message::new("", codec::msgpack::encode(&packed(5)).unwrap())).await.unwrap();
    let proto = Proto { id: "x".into(), cents: vec![] };
    app.publish_to("foreign.b", Message::new("", codec::protobuf::encode(&proto).unwrap())).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["Some(5) None", "None Some(\"x\")"]);
    app.shutdown().await.unwrap();
}
