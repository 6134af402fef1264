//! Clients that are not ours: what they publish is done or given up for a reason, and they read what swit publishes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lapin::{
    BasicProperties,
    types::{AMQPValue, ByteArray, DecimalValue, FieldArray, ShortString},
};
use serde::{Deserialize, Serialize};
use swit::{Event, HeaderValue, Headers, Metadata, State, subscriber};
use swit_testbed::Broker;

use crate::ground::{self, Foreign, app, header, options, table, text, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "foreign.order", version = 2, name = "Order")]
struct Order {
    name: String,
    #[serde(default)]
    fails: bool,
}

/// What a handler saw of a message.
#[derive(Debug, Clone)]
struct Saw {
    meta: Metadata,
    headers: Headers,
}

#[derive(Debug, Default)]
struct Sights(Mutex<BTreeMap<String, Saw>>);

/// Takes orders of anybody.
#[subscriber(topic = "foreign.order", retries = 0, concurrency = 4)]
async fn take_order(
    order: Order,
    meta: Metadata,
    headers: Headers,
    sights: State<Sights>,
) -> Result<(), std::io::Error> {
    if order.fails {
        return Err(std::io::Error::other("as it was ordered"));
    }
    sights.0.lock().unwrap().insert(order.name, Saw { meta, headers });
    Ok(())
}

fn every_type() -> Vec<(&'static str, AMQPValue)> {
    let list = FieldArray::from(vec![AMQPValue::LongInt(1), AMQPValue::Boolean(true), AMQPValue::Void]);
    let inner = table(&[("deeper", text("value")), ("number", AMQPValue::LongLongInt(7))]);
    vec![
        ("boolean", AMQPValue::Boolean(true)),
        ("i8", AMQPValue::ShortShortInt(-8)),
        ("u8", AMQPValue::ShortShortUInt(8)),
        ("i16", AMQPValue::ShortInt(-16)),
        ("u16", AMQPValue::ShortUInt(16)),
        ("i32", AMQPValue::LongInt(-32)),
        ("u32", AMQPValue::LongUInt(32)),
        ("i64", AMQPValue::LongLongInt(i64::MIN)),
        ("f32", AMQPValue::Float(1.5)),
        ("f64", AMQPValue::Double(2.5)),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 314 })),
        ("text", text("é")),
        ("no text", AMQPValue::LongString(vec![0xFF, 0xFE].into())),
        ("bytes", AMQPValue::ByteArray(ByteArray::from(vec![1, 2, 3]))),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("late", AMQPValue::Timestamp(u64::MAX)),
        ("list", AMQPValue::FieldArray(list)),
        ("table", AMQPValue::FieldTable(inner)),
        ("void", AMQPValue::Void),
        ("", text("a name of no letters")),
    ]
}

/// Headers that swit and brokers write, as somebody writes them who does not know what they mean.
fn nonsense_of_ours() -> Vec<(&'static str, AMQPValue)> {
    let death = table(&[("queue", AMQPValue::Void), ("routing-keys", AMQPValue::FieldArray(FieldArray::default()))]);
    vec![
        ("x-swit-attempt", text("many")),
        ("x-swit-version", text("one")),
        ("x-swit-timestamp", AMQPValue::LongLongInt(i64::MIN)),
        ("x-swit-key", AMQPValue::LongString(vec![0xFF].into())),
        ("x-swit-causation-id", text(&"x".repeat(300))),
        ("x-swit-sequence", text("1")),
        ("x-death", AMQPValue::FieldArray(FieldArray::from(vec![AMQPValue::FieldTable(death), AMQPValue::Void]))),
        ("x-first-death-queue", AMQPValue::LongInt(1)),
        ("x-delivery-count", text("-1")),
    ]
}

fn properties() -> BasicProperties {
    BasicProperties::default()
}

/// What others publish that can be read is done, whatever else they say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_publish_is_done() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "foreign"));
    let sights = Arc::new(Sights::default());
    let running = app::<(take_order,)>("foreign", &transport).provide_shared(sights.clone()).start().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    let json = || properties().with_content_type("application/json".into());
    let full = json()
        .with_content_encoding("identity".into())
        .with_message_id("foreign-1".into())
        .with_correlation_id("correlated".into())
        .with_reply_to("somewhere".into())
        .with_type("Order".into())
        .with_app_id("another".into())
        .with_user_id("guest".into())
        .with_cluster_id("cluster".into())
        .with_priority(255)
        .with_expiration("60000".into())
        .with_timestamp(1_700_000_000)
        .with_delivery_mode(1)
        .with_headers(table(&every_type()));
    let good = vec![
        ("of no properties", properties()),
        ("of a content type alone", json()),
        ("of parameters", properties().with_content_type("application/json; charset=utf-8".into())),
        ("of a suffix", properties().with_content_type("application/vnd.order+json".into())),
        ("of everything", full),
        ("of times that there are not", json().with_timestamp(u64::MAX)),
        ("of an old version", json().with_headers(table(&[("x-swit-version", AMQPValue::LongLongInt(1))]))),
        ("of our own names", json().with_message_id("nonsense".into()).with_headers(table(&nonsense_of_ours()))),
        ("of the longest id", json().with_message_id("x".repeat(255).as_str().into())),
        ("of an empty id", json().with_message_id("".into())),
    ];
    let names: Vec<&str> = good.iter().map(|(name, _)| *name).collect();
    for (name, properties) in good {
        let body = serde_json::to_vec(&serde_json::json!({ "name": name, "unknown": [1, 2] })).unwrap();
        foreign.publish("foreign.events", "foreign.order", properties, &body).await;
    }
    until("all have come to their end", || broker.queue_depth("foreign.take-order") == Some(0)).await;
    let dead = broker.queue_depth("foreign.take-order.dlq").unwrap();
    if dead > 0 {
        let letter = foreign.take("foreign.take-order.dlq").await.delivery;
        panic!("{dead} were given up: {} ({:?})", String::from_utf8_lossy(&letter.data), letter.properties);
    }
    let sights = sights.0.lock().unwrap().clone();
    assert_eq!(sights.len(), names.len(), "{:?}", sights.keys());
    let full = &sights["of everything"];
    assert_eq!(full.meta.id.to_string(), "foreign-1");
    assert_eq!(full.meta.correlation_id.as_deref(), Some("correlated"));
    assert_eq!(full.meta.reply_to.as_deref(), Some("somewhere"));
    assert_eq!(full.meta.event_type.as_deref(), Some("Order"));
    assert_eq!(full.meta.timestamp, Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)));
    let value = |name: &str| full.headers.get(name).unwrap_or_else(|| panic!("`{name}` is missing")).clone();
    for (name, expected) in [("i8", -8), ("u8", 8), ("i16", -16), ("u16", 16), ("i32", -32), ("u32", 32)] {
        assert_eq!(value(name), HeaderValue::Integer(expected), "{name}");
    }
    assert_eq!(value("i64"), HeaderValue::Integer(i64::MIN));
    assert_eq!(value("boolean"), HeaderValue::Bool(true));
    assert_eq!((value("f32"), value("f64")), (HeaderValue::Float(1.5), HeaderValue::Float(2.5)));
    assert_eq!(value("text"), HeaderValue::from("é"));
    assert_eq!(value("no text"), HeaderValue::Bytes(bytes::Bytes::from_static(&[0xFF, 0xFE])));
    assert_eq!(value("bytes"), HeaderValue::Bytes(bytes::Bytes::from_static(&[1, 2, 3])));
    assert_eq!(value("time"), HeaderValue::Integer(1_700_000_000));
    assert_eq!(value("list").as_str(), Some("[1, true, null]"));
    assert_eq!(value("table").as_str(), Some("{deeper: value, number: 7}"));
    for name in ["decimal", "late", "void", ""] {
        value(name);
    }
    for (name, sight) in &sights {
        assert_eq!((sight.meta.topic.as_str(), sight.meta.attempt), ("foreign.order", 1), "{name}");
        assert!(!name.contains("no properties") || sight.meta.id.is_empty(), "an id is the publisher's, or none");
    }
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "strange.order", version = 2, name = "Strange")]
struct Strange {
    fails: bool,
}

/// Takes what it understands.
#[subscriber(topic = "strange.order", retries = 0, concurrency = 4)]
async fn understand(order: Strange) -> Result<(), std::io::Error> {
    if order.fails { Err(std::io::Error::other("as it was ordered")) } else { Ok(()) }
}

/// What others publish that can't be done is a dead letter: whole, with everything that they said and the reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_publish_in_vain_is_given_up_for_a_reason() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "strange"));
    let running = app::<(understand,)>("strange", &transport).start().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    let with = |content_type: &str| properties().with_content_type(content_type.into());
    let newer = table(&[("x-swit-version", AMQPValue::LongLongInt(3))]);
    let everything = with("application/json")
        .with_headers(table(&every_type()))
        .with_priority(7)
        .with_correlation_id("correlated".into())
        .with_expiration("60000".into())
        .with_user_id("guest".into());
    let (good, fails) = (r#"{"fails":false}"#, r#"{"fails":true}"#);
    for (name, properties, body, reason, says) in [
        ("text", with("text/plain"), good, "invalid_input", "text/plain"),
        ("xml", with("application/xml"), "<order/>", "invalid_input", "application/xml"),
        ("nothing", properties(), "", "invalid_input", "Strange"),
        ("newer", with("application/json").with_headers(newer), good, "invalid_input", "version 3"),
        ("fails", everything.clone(), fails, "max_retries_exceeded", "as it was ordered"),
        ("fails of no id", with("application/json"), fails, "max_retries_exceeded", "as it was ordered"),
    ] {
        let properties = if name.ends_with("no id") { properties } else { properties.with_message_id(name.into()) };
        foreign.publish("strange.events", "strange.order", properties, body.as_bytes()).await;
        let letter = foreign.take("strange.understand.dlq").await.delivery;
        assert_eq!(String::from_utf8_lossy(&letter.data), body, "{name}");
        let said = |header_name: &str| header(&letter.properties, header_name);
        assert_eq!(said("x-dead-letter-reason"), reason, "{name}: {}", said("x-dead-letter-error"));
        assert!(said("x-dead-letter-error").contains(says), "{name}: {}", said("x-dead-letter-error"));
        assert_eq!(
            (said("x-dead-letter-queue").as_str(), said("x-original-topic").as_str()),
            ("strange.understand", "strange.order")
        );
        assert_eq!(
            (said("x-dead-letter-subscriber").as_str(), said("x-dead-letter-group").as_str()),
            ("understand", "strange")
        );
        assert_eq!(said("x-dead-letter-attempts"), "1", "{name}");
        if !name.ends_with("no id") {
            assert_eq!(letter.properties.message_id().as_ref().map(ShortString::as_str), Some(name));
        }
        if name == "fails" {
            // What a copy has to leave behind is what would lose it, or what only its sender may say.
            assert_eq!(letter.properties.expiration(), &None);
            assert_eq!(letter.properties.user_id(), &None);
            assert_eq!(letter.properties.priority(), &Some(7));
            assert_eq!(letter.properties.correlation_id().as_ref().map(ShortString::as_str), Some("correlated"));
            let headers = letter.properties.headers().clone().unwrap();
            for (name, _) in every_type() {
                assert!(headers.inner().contains_key(name), "the header `{name}` is missing");
            }
            assert_eq!(headers.inner()["i32"], AMQPValue::LongLongInt(-32));
            assert_eq!(headers.inner()["text"], text("é"));
        }
    }
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "ours.order.placed", version = 3, name = "Placed", key = customer)]
struct Placed {
    customer: String,
    cents: u64,
}

/// What swit publishes is plain AMQP to others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_read_what_is_published() {
    let broker = Broker::shared();
    let foreign = Foreign::connect(&broker.url()).await;
    foreign.queue("ours.q", &[("x-queue-type", text("quorum"))]).await;
    foreign.bind("ours.q", "ours.events", "ours.order.*").await;
    let transport = ground::transport(options(&broker.url(), "ours"));
    let running = app::<()>("ours", &transport).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = now();
    let event = Placed { customer: "c-1".into(), cents: 1_250 };
    let sending = publisher.publish_with(&event);
    let sending = sending
        .header("tenant", "t-1")
        .header("count", 17)
        .header("ratio", 0.5)
        .header("flag", true)
        .header("nan", f64::NAN);
    let id = sending.correlation_id("correlated").priority(4).ttl(Duration::from_mins(1)).send().await.unwrap();
    let got = foreign.take("ours.q").await.delivery;
    assert_eq!((got.exchange.as_str(), got.routing_key.as_str()), ("ours.events", "ours.order.placed"));
    let body: serde_json::Value = serde_json::from_slice(&got.data).unwrap();
    assert_eq!(body, serde_json::json!({ "customer": "c-1", "cents": 1_250 }));
    let properties = &got.properties;
    let short = |text: &Option<ShortString>| text.as_ref().map(ToString::to_string).unwrap_or_default();
    assert_eq!(short(properties.message_id()), id.to_string());
    assert_eq!(short(properties.content_type()), "application/json");
    assert_eq!(short(properties.kind()), "Placed");
    assert_eq!(short(properties.correlation_id()), "correlated");
    assert_eq!(short(properties.expiration()), "60000");
    assert_eq!((properties.delivery_mode(), properties.priority()), (&Some(2), &Some(4)));
    let timestamp = properties.timestamp().unwrap();
    assert!((before..=now()).contains(&timestamp), "{timestamp} is no time in seconds");
    let headers = properties.headers().clone().unwrap();
    let expected = [
        ("tenant", text("t-1")),
        ("count", AMQPValue::LongLongInt(17)),
        ("ratio", AMQPValue::Double(0.5)),
        ("flag", AMQPValue::Boolean(true)),
        // A broker that is written in Erlang has no such number, and would close the connection.
        ("nan", text("NaN")),
        ("x-swit-key", text("c-1")),
        ("x-swit-version", AMQPValue::LongLongInt(3)),
    ];
    for (name, value) in &expected {
        assert_eq!(headers.inner().get(*name), Some(value), "{name}");
    }
    let Some(AMQPValue::LongLongInt(millis)) = headers.inner().get("x-swit-timestamp") else { panic!("{headers:?}") };
    assert_eq!(u64::try_from(millis / 1_000).unwrap(), timestamp, "the same time, in milliseconds");
    // Nothing else of ours but the number by which returns are told apart.
    let others: Vec<_> = headers.inner().keys().map(ShortString::as_str).collect();
    let mut others: Vec<_> =
        others.into_iter().filter(|name| !expected.iter().any(|(known, _)| known == name)).collect();
    others.retain(|name| *name != "x-delivery-count");
    assert_eq!(others, ["x-swit-sequence", "x-swit-timestamp"]);
    running.shutdown().await.unwrap();
}
