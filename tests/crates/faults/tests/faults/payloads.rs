//! Payloads that no handler can read.

use std::sync::Arc;

use lapin::BasicProperties;
use serde::{Deserialize, Serialize};
use swit::{Event, State, subscriber};
use swit_testbed::Broker;

use crate::ground::{self, Foreign, Tally, app, header, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "poison.meal", version = 1)]
struct Meal {
    name: String,
    #[serde(default)]
    extra: Option<serde_json::Value>,
}

/// Eats what can be eaten; with retries, so that a poison could be tried again.
#[subscriber(topic = "poison.meal", retries = 3, backoff = fixed("50ms"), concurrency = 4)]
async fn eat(meal: Meal, tally: State<Tally>) {
    tally.add(meal.name);
}

fn poisons() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let deep = |open: &str, close: &str, levels: usize| {
        format!("{{\"name\":\"deep\",\"extra\":{}1{}}}", open.repeat(levels), close.repeat(levels)).into_bytes()
    };
    let not_utf8 = [b"{\"name\":\"".as_slice(), &[0xFF, 0xFE, 0xC0], b"\"}"].concat();
    let json = "application/json";
    vec![
        ("nothing", Vec::new(), json),
        ("truncated", b"{\"name\":\"trunc".to_vec(), json),
        ("of a wrong type", b"{\"name\":17}".to_vec(), json),
        ("a list", b"[1,2,3]".to_vec(), json),
        ("two values", b"{\"name\":\"a\"}{\"name\":\"b\"}".to_vec(), json),
        ("lists 100,000 deep", deep("[", "]", 100_000), json),
        ("objects 100,000 deep", deep("{\"a\":", "}", 100_000), json),
        ("100,000 deep and never closed", deep("[", "", 100_000), json),
        (
            "deep where nobody looks",
            format!("{{\"name\":\"x\",\"unknown\":{}{}}}", "[".repeat(129), "]".repeat(129)).into(),
            json,
        ),
        ("not UTF-8", not_utf8, json),
        ("a lone surrogate", b"{\"name\":\"\\ud800\"}".to_vec(), json),
        ("no JSON at all", vec![0; 1_000], json),
        ("of another content type", b"{\"name\":\"x\"}".to_vec(), "application/x-protobuf"),
    ]
}

/// Fault 23.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_poison_is_a_dead_letter_at_the_first_attempt() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "poison"));
    let tally = Arc::new(Tally::default());
    let running = app::<(eat,)>("poison", &transport).provide_shared(tally.clone()).start().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    let properties = |id: &str, content_type: &str| {
        BasicProperties::default()
            .with_message_id(id.into())
            .with_content_type(content_type.into())
            .with_delivery_mode(2)
    };
    for (what, body, content_type) in poisons() {
        foreign.publish("poison.events", "poison.meal", properties(what, content_type), &body).await;
        // The innocent stand between them.
        let meal = serde_json::to_vec(&Meal { name: format!("after {what}"), extra: None }).unwrap();
        foreign.publish("poison.events", "poison.meal", properties("good", "application/json"), &meal).await;
    }
    let mut poisons: Vec<_> = poisons();
    until("all have come to their end", || broker.queue_depth("poison.eat") == Some(0)).await;
    assert_eq!(broker.queue_depth("poison.eat.dlq"), Some(poisons.len() as u64), "what was eaten: {:?}", tally.all());
    while !poisons.is_empty() {
        let letter = foreign.take("poison.eat.dlq").await.delivery;
        let id = letter.properties.message_id().as_ref().unwrap().as_str().to_owned();
        let at = poisons.iter().position(|(what, ..)| *what == id).unwrap_or_else(|| panic!("`{id}` is no poison"));
        let (what, body, content_type) = poisons.swap_remove(at);
        assert_eq!(header(&letter.properties, "x-dead-letter-reason"), "invalid_input", "{what}");
        assert_eq!(header(&letter.properties, "x-dead-letter-attempts"), "1", "{what}");
        assert_eq!(header(&letter.properties, "x-dead-letter-class"), "invalid_input", "{what}");
        assert_eq!(header(&letter.properties, "x-dead-letter-queue"), "poison.eat", "{what}");
        assert_eq!(header(&letter.properties, "x-original-topic"), "poison.meal", "{what}");
        let error = header(&letter.properties, "x-dead-letter-error");
        assert!(!error.is_empty() && error.len() <= 4_096 && !error.contains('\n'), "{what}: {error}");
        assert!(letter.data == body, "{what}: the whole body");
        assert_eq!(letter.properties.content_type().as_ref().unwrap().as_str(), content_type);
    }
    let eaten = tally.all();
    assert!(eaten.keys().all(|name| name.starts_with("after ")) && eaten.len() == self::poisons().len(), "{eaten:?}");
    running.shutdown().await.unwrap();
}
