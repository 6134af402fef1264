//! Attributes and settings, merged.

use super::*;
use crate::{
    app::config::{Known, Layers},
    registry::BreakerSpec,
};

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
            default,
            "circuit_breaker.reset",
            "2h".into(),
            "builder: `subscriber.ship.circuit_breaker.reset`: `circuit_breaker`: `reset` is 2h",
        ),
        (
            default,
            "circuit_breaker.window",
            "5s".into(),
            "builder: `subscriber.ship.circuit_breaker.window`: `circuit_breaker`: `window` says nothing without `rate`",
        ),
        (
            default,
            "rate_limit",
            true.into(),
            "builder: `subscriber.ship.rate_limit.per_second`: `rate_limit`: `per_second` is",
        ),
        (
            SubscriberSpec { rate_limit: Some(RateLimit { per_second: Some(10), burst: Some(1) }), ..default },
            "rate_limit.per_second",
            5_000.into(),
            "builder: `subscriber.ship.rate_limit.burst`: `rate_limit`: `burst` (1) is too small for 5000",
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

#[test]
fn breakers_and_limits_are_changed_argument_by_argument() {
    let written = SubscriberSpec {
        circuit_breaker: Some(BreakerSpec {
            numbers: Breaker { failures: Some(7), half_open: Some(2), ..Breaker::DEFAULT },
            name: Some("bank"),
        }),
        rate_limit: Some(RateLimit { per_second: Some(100), burst: Some(5) }),
        ..SubscriberSpec::DEFAULT
    };
    let breaker = |spec: &SubscriberSpec, layers: &Layers| {
        let (resolved, faults) = resolved(spec, layers);
        assert!(faults.is_empty(), "{faults:?}");
        (resolved.circuit_breaker.map(|breaker| (breaker.name.to_string(), breaker.numbers)), resolved.rate_limit)
    };
    let numbers = Breaker { failures: Some(7), half_open: Some(2), ..Breaker::DEFAULT };
    assert_eq!(
        breaker(&written, &Layers::none()),
        (Some(("bank".into(), numbers)), Some(RateLimit { per_second: Some(100), burst: Some(5) }))
    );
    let file = "[subscriber.ship]\ncircuit_breaker = { half_open = 1, reset = '5s' }\nrate_limit.burst = 9";
    let env =
        [("SWIT_SUBSCRIBER__SHIP__CIRCUIT_BREAKER__HALF_OPEN", "4"), ("SWIT_SUBSCRIBER__SHIP__RATE_LIMIT", "true")];
    let changed = Breaker { half_open: Some(4), reset: Some(Duration::from_secs(5)), ..numbers };
    assert_eq!(
        breaker(&written, &Layers::none().text("swit.toml", file).environment(env)),
        (Some(("bank".into(), changed)), Some(RateLimit { per_second: Some(100), burst: Some(9) }))
    );
    let off = Layers::none()
        .text("swit.toml", file)
        .set("subscriber.ship.circuit_breaker", false)
        .set("subscriber.ship.rate_limit", false);
    assert_eq!(breaker(&written, &off), (None, None));
    // Whoever sets a number after that wants it.
    let on_again =
        off.set("subscriber.ship.circuit_breaker.name", "shop").set("subscriber.ship.circuit_breaker.rate", 1);
    let expected = Breaker { half_open: Some(1), reset: Some(Duration::from_secs(5)), rate: Some(1.0), ..numbers };
    assert_eq!(breaker(&written, &on_again).0, Some(("shop".into(), expected)));
    let bare = Layers::none().set("subscriber.ship.circuit_breaker", true);
    assert_eq!(breaker(&SubscriberSpec::DEFAULT, &bare).0, Some(("ship".into(), Breaker::DEFAULT)));
    let empty = Layers::none().text("swit.toml", "[subscriber.ship.circuit_breaker]\n");
    assert_eq!(breaker(&SubscriberSpec::DEFAULT, &empty).0, Some(("ship".into(), Breaker::DEFAULT)));
}
