//! Attributes and settings, merged.

use super::*;
use crate::app::config::{Known, Layers};

const HERE: Location = Location { module: "orders", file: "src/orders.rs", line: 7 };

fn resolved(spec: &SubscriberSpec, layers: &Layers) -> (ResolvedSubscriber, Vec<String>) {
    let (settings, faults) = layers.read(&Known { subscribers: vec!["ship"], ..Known::default() });
    assert!(faults.is_empty(), "{faults:?}");
    let (resolved, faults) = resolve(spec, "ship", HERE, &settings);
    (resolved, faults.iter().map(|fault| format!("{}: {}", fault.location, fault.message)).collect())
}

#[test]
fn the_attribute_stands_where_nothing_is_set() {
    let spec = SubscriberSpec {
        topics: &["order.*"],
        group: Group::Named("billing"),
        dead_letter: DeadLetter::Queue("dlq"),
        retries: Some(2),
        ..SubscriberSpec::DEFAULT
    };
    let (resolved, faults) = resolved(&spec, &Layers::none());
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(resolved.topics, [Text::from("order.*")]);
    assert_eq!(resolved.group, ConsumerGroup::Named("billing".into()));
    assert_eq!(resolved.dead_letter, DeadLetters::Queue("dlq".into()));
    assert_eq!((resolved.retries, resolved.prefetch, resolved.concurrency), (Some(2), 32, 1));
    assert!(resolved.enabled && resolved.transport == "default");
}

#[test]
fn settings_win_and_the_rest_follows() {
    let layers = Layers::none()
        .set("subscriber.ship.concurrency", 100)
        .set("subscriber.ship.topics", vec!["a", "b"])
        .set("subscriber.ship.dead_letter", false)
        .set("subscriber.ship.transport", "eu")
        .set("transport.eu.capacity", 5);
    let (resolved, faults) = resolved(&SubscriberSpec::DEFAULT, &layers);
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!((resolved.concurrency, resolved.prefetch), (100, 200));
    assert_eq!((resolved.topics.len(), resolved.dead_letter), (2, DeadLetters::Discard));
}

#[test]
fn the_layer_that_broke_it_is_blamed() {
    let default = SubscriberSpec::DEFAULT;
    for (spec, key, value, expected) in [
        (
            SubscriberSpec { prefetch: Some(10), ..default },
            "concurrency",
            toml::Value::from(20),
            "builder: `subscriber.ship.prefetch`: `prefetch` (10) is below",
        ),
        (
            SubscriberSpec { order: Order::Subscription, ..default },
            "concurrency",
            2.into(),
            "builder: `subscriber.ship.concurrency`: `ordered`",
        ),
        (
            SubscriberSpec { ack: AckMode::None, ..default },
            "retries",
            1.into(),
            "builder: `subscriber.ship.retries`: `retries` needs",
        ),
        (
            SubscriberSpec { ack: AckMode::None, ..default },
            "dead_letter",
            "dlq".into(),
            "builder: `subscriber.ship.dead_letter`: `dead_letter` needs",
        ),
        (
            SubscriberSpec { queue: Some("old"), ..default },
            "dead_letter",
            "old".into(),
            "builder: `subscriber.ship.dead_letter`: `dead_letter` names",
        ),
        (
            SubscriberSpec { dead_letter: DeadLetter::Queue("g.ship"), ..default },
            "group",
            "g".into(),
            "builder: `subscriber.ship.dead_letter`: `dead_letter` names",
        ),
        (
            SubscriberSpec { queue: Some("old"), ..default },
            "topics",
            "a".into(),
            "builder: `subscriber.ship.topics`: `topics` can't be set",
        ),
        (default, "transport", "eu".into(), "builder: `subscriber.ship.transport`: there is no transport `eu`"),
        (
            SubscriberSpec { transport: "eu", ..default },
            "retries",
            1.into(),
            "src/orders.rs:7: subscriber `ship`: there is no transport `eu`",
        ),
        (
            SubscriberSpec { concurrency: 0, ..default },
            "retries",
            1.into(),
            "src/orders.rs:7: subscriber `ship`: `concurrency` is 0",
        ),
    ] {
        let (_, faults) = resolved(&spec, &Layers::none().set(format!("subscriber.ship.{key}"), value));
        assert!(faults.len() == 1 && faults[0].starts_with(expected), "{faults:?}\n{expected}");
    }
}

#[test]
fn the_later_of_two_that_disagree_is_blamed() {
    let layers = Layers::none()
        .text("swit.toml", "[subscriber.ship]\nprefetch = 4")
        .environment([("SWIT_SUBSCRIBER__SHIP__CONCURRENCY", "8")]);
    let (_, faults) = resolved(&SubscriberSpec::DEFAULT, &layers);
    assert!(faults[0].starts_with("environment variable SWIT_SUBSCRIBER__SHIP__CONCURRENCY"), "{faults:?}");
}
