//! Whole configurations, read.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::app::config::{ConsumerGroup, DeadLetters, QueueType, TransportKind};

fn known() -> Known<'static> {
    Known {
        publishers: vec!["order-created"],
        publish_middleware: vec!["sign"],
        subscribers: vec!["confirm-order", "ship", "audit.v2"],
        middleware: vec!["authenticate"],
        transports: vec!["eu"],
        sections: vec!["orders"],
        sagas: vec!["place-order"],
    }
}

fn faults(layers: &Layers) -> Vec<String> {
    let (_, faults) = layers.read(&known());
    faults.iter().map(|fault| format!("{}: {}; {}", fault.location, fault.message, fault.help)).collect()
}

#[test]
fn later_layers_win_key_by_key() {
    let (settings, faults) = Layers::none()
        .text("swit.toml", "[subscriber.confirm-order]\nretries = 1\ntimeout = '5s'\nconcurrency = 2\n")
        .environment([
            ("SWIT_SUBSCRIBER__CONFIRM_ORDER__RETRIES", "2"),
            ("SWIT_SUBSCRIBER__CONFIRM_ORDER__TIMEOUT", "6s"),
        ])
        .set("subscriber.confirm-order.retries", 3)
        .read(&known());
    assert!(faults.is_empty(), "{faults:?}");
    let subscriber = &settings.subscribers["confirm-order"];
    let retries = subscriber.retries.as_ref().expect("set");
    assert_eq!((retries.value, retries.origin.to_string().as_str()), (3, "builder"));
    let timeout = subscriber.timeout.as_ref().expect("set");
    assert_eq!(timeout.value, Duration::from_secs(6));
    assert_eq!(timeout.origin.to_string(), "environment variable SWIT_SUBSCRIBER__CONFIRM_ORDER__TIMEOUT");
    assert_eq!(subscriber.concurrency.as_ref().expect("set").origin.to_string(), "swit.toml:4");
}

#[test]
fn every_key_of_every_section() {
    let text = r#"
        service = { name = "orders", version = "1.2.3", instance = "orders/7" }
        shutdown.drain = "5s"
        limits = { payload = "1MiB", decompressed = "2MiB", headers = 10, header_bytes = 4096 }
        [transport]
        default.url = "memory://?capacity=10"
        eu = { url = "memory://", capacity = 20 }
        [transport.mq]
        url = "amqps://app:hunter2@mq.example/orders"
        exchange = "acme.events"
        queues = "quorum"
        declare = true
        delivery_limit = 50
        heartbeat = "5s"
        connect_timeout = "1m"
        confirm_timeout = "10s"
        window = 500
        ack_limit = "1h"
        allow_plaintext = false
        ca_file = "/etc/orders/ca.pem"
        cert_file = "/etc/orders/client.pem"
        key_file = "/etc/orders/client.key"
        [subscriber.confirm-order]
        topics = ["order.*", "payment.#"]
        group = "billing"
        concurrency = 4
        prefetch = 64
        timeout = "10s"
        retries = 5
        backoff = 'exponential("1s", max = "10s")'
        dead_letter = false
        transport = "eu"
        enabled = false
        [subscriber.audit.v2]
        topics = "order.created"
        group = "per_instance"
        dead_letter = "audit.dlq"
        backoff = "none"
        [subscriber."ship"]
        [middleware.authenticate]
        enabled = false
        order = -3
        only = ["ship"]
        except = ["audit.v2"]
        [orders]
        url = "sqlite:orders"
        pool.size = 3
    "#;
    let (settings, faults) = Layers::none().text("swit.toml", text).read(&known());
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(settings.service.instance.as_ref().map(|set| set.value.as_str()), Some("orders/7"));
    assert_eq!(settings.drain(), Duration::from_secs(5));
    assert_eq!(
        (settings.limits().payload_bytes, settings.limits().headers, settings.limits().header_bytes),
        (1 << 20, 10, 4096)
    );
    assert_eq!(settings.limits().decompressed_bytes, 2 << 20);
    assert_eq!(settings.transports["default"].capacity(), Some(10));
    assert_eq!(settings.transports["eu"].capacity(), Some(20));
    let mq = &settings.transports["mq"];
    assert_eq!((mq.kind(), mq.heartbeat()), (TransportKind::RabbitMq, Some(Duration::from_secs(5))));
    assert_eq!(mq.queues.as_ref().map(|set| set.value), Some(QueueType::Quorum));
    assert_eq!(mq.ca_file.as_ref().map(|set| set.value.as_str()), Some("/etc/orders/ca.pem"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    let confirm = &settings.subscribers["confirm-order"];
    assert_eq!(confirm.topics.as_ref().map(|set| set.value.len()), Some(2));
    assert_eq!(confirm.dead_letter.as_ref().map(|set| &set.value), Some(&DeadLetters::Discard));
    assert_eq!(confirm.enabled.as_ref().map(|set| set.value), Some(false));
    let audit = &settings.subscribers["audit.v2"];
    assert_eq!(audit.group.as_ref().map(|set| &set.value), Some(&ConsumerGroup::PerInstance));
    assert_eq!(audit.dead_letter.as_ref().map(|set| &set.value), Some(&DeadLetters::Queue("audit.dlq".into())));
    let middleware = &settings.middleware["authenticate"];
    assert_eq!(middleware.order.as_ref().map(|set| set.value), Some(-3));
    assert_eq!(middleware.only.as_ref().map(|set| set.value.len()), Some(1));
    assert_eq!(settings.section("orders").table(), "url = 'sqlite:orders'\npool.size = 3".parse().expect("a table"));
    assert_eq!(
        settings.section("orders").origin("pool.size").map(ToString::to_string).as_deref(),
        Some("swit.toml:47")
    );
}

#[test]
fn every_mistake_is_named_with_layer_key_and_way_out() {
    for (text, expected) in [
        (
            "[subscriber.ship]\nretires = 3",
            "swit.toml:2: `subscriber.ship.retires`: there is no key `retires`; did you mean `retries`? keys: `backoff`",
        ),
        (
            "[subscriber.ship]\nretries = 'x'",
            "swit.toml:2: `subscriber.ship.retries`: text is not a whole number; write a whole number from 0 to 100",
        ),
        (
            "[subscriber.ship]\nretries.a = 1",
            "swit.toml:2: `subscriber.ship.retries.a`: a table is not a value of `retries`; write a whole",
        ),
        (
            "[subscriber.ship]\nbackoff = 'soon'",
            "swit.toml:2: `subscriber.ship.backoff`: `soon` is not a backoff; write `exponential",
        ),
        (
            "[subscriber.ship]\ncircuit_breaker = { failurs = 5 }",
            "`subscriber.ship.circuit_breaker.failurs`: there is no key `failurs`; did you mean `failures`?",
        ),
        (
            "[subscriber.ship]\ncircuit_breaker = 5",
            "`subscriber.ship.circuit_breaker`: the number 5 is not `true` or `false`; write `true`, `false`, or a table",
        ),
        (
            "[subscriber.ship.rate_limit]\nper_second = 'lots'",
            "swit.toml:2: `subscriber.ship.rate_limit.per_second`: text is not a whole number; write a whole number",
        ),
        (
            "[subscriber.shop]\nretries = 3\ntimeout = '1s'",
            "swit.toml:2: there is no subscriber `shop`; did you mean `ship`? known: `audit.v2`",
        ),
        ("[subscriber.shop]", "swit.toml:1: there is no subscriber `shop`"),
        ("[subscriber.shop]\ncircuit_breaker.failures = 5", "there is no subscriber `shop`"),
        (
            "[subscriber]\nretries = 3",
            "swit.toml:2: `subscriber.retries` has no name between section and key; write `[subscriber.NAME]`",
        ),
        ("[transport]\nurl = 'memory://'", "the usual one is `[transport.default]`"),
        ("transport = 'memory://'", "swit.toml:1: `transport` has no name between section and key"),
        (
            "[transport.default]\nurl = 'amqp://guest:hunter2@mq'",
            "swit.toml:2: `transport.default.url`: `amqp://guest:***@mq`: `amqp://` to a host other than this one sends",
        ),
        ("[transport.'a b']\nurl = 'memory://'", "`transport`: the name `a b` holds the character ' '"),
        (
            "[middleware.authenticate]\nonly = ['shipp']",
            "`middleware.authenticate.only`: there is no subscriber `shipp`; did you mean `ship`?",
        ),
        ("[middleware.authentication]\norder = 1", "there is no middleware `authentication`"),
        (
            "[servce]\nname = 'x'",
            "swit.toml:2: there is no section `servce`; did you mean `service`? sections: `admin`, `database`, `limits`, `middleware`",
        ),
        ("service = 3", "swit.toml:1: `service` is a section, not a key"),
        ("orders = 3", "swit.toml:1: `orders` is a section, not a key"),
        ("retries = 3", "swit.toml:1: there is no section `retries`"),
        ("[limits]\npayload = 'big'", "`limits.payload`: `big` is not a size; write bytes"),
        ("[shutdown]\ndrain = '0s'", "`shutdown.drain`: `0s` is zero"),
    ] {
        let faults = faults(&Layers::none().text("swit.toml", text));
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
        assert!(faults[0].contains(expected), "{text}:\n  {}\n  {expected}", faults[0]);
        assert!(!faults[0].contains("hunter2"), "{}", faults[0]);
    }
}

#[test]
fn faults_of_all_layers_come_at_once() {
    let found = faults(
        &Layers::none()
            .text("swit.toml", "[subscriber.ship]\nretires = 3\ntimeout = 30\n")
            .environment([
                ("SWIT_SUBSCRIBER__SHIP__PREFETCH", "lots"),
                ("SWIT_BOGUS__KEY", "1"),
                ("SWIT_BOGUS_KEY", "1"),
            ])
            .set("subscriber.ship.enabled", "yes")
            .set("a..b", 1),
    );
    let starts = [
        "builder: `a..b` is not the path",
        "swit.toml:2: ",
        "swit.toml:3: ",
        "environment variable SWIT_BOGUS__KEY: there is no section `bogus`",
        "environment variable SWIT_SUBSCRIBER__SHIP__PREFETCH: `subscriber.ship.prefetch`: `lots` is not a whole number",
        "builder: `subscriber.ship.enabled`: text is not `true` or `false`",
    ];
    assert_eq!(found.len(), starts.len(), "{found:#?}");
    for (fault, start) in found.iter().zip(starts) {
        assert!(fault.starts_with(start), "{fault}");
    }
}

#[test]
fn tables_of_the_builder_set_every_key() {
    let table: toml::Table = "retries = 4\nenabled = false".parse().expect("a table");
    let (settings, faults) = Layers::none().set("subscriber.audit.v2", table).set("orders.db.url", "x").read(&known());
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(settings.subscribers["audit.v2"].retries.as_ref().map(|set| set.value), Some(4));
    assert_eq!(settings.section("orders").table(), "db.url = 'x'".parse().expect("a table"));
}

#[test]
fn files_are_found_or_missed() {
    let directory = std::env::temp_dir().join(format!("swit-config-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    let (config, secret) = (directory.join("other.toml"), directory.join("url"));
    fs::write(&config, "[service]\nname = 'filed'\n").expect("written");
    fs::write(&secret, "memory://?capacity=3\r\n").expect("written");
    let name = |layers: Layers| {
        let (settings, faults) = layers.read(&known());
        (settings.service.name.map(|set| set.value.to_string()), faults.len())
    };
    assert_eq!(name(Layers::none().file(&config)), (Some("filed".into()), 0));
    let by_variable =
        Layers { default_file: true, ..Layers::none() }.environment([("SWIT_CONFIG", config.as_os_str())]);
    assert_eq!(name(by_variable), (Some("filed".into()), 0));
    let missing = Layers { default_file: true, ..Layers::none() }.environment([("SWIT_CONFIG", "/nowhere.toml")]);
    assert_eq!(name(missing), (None, 1));
    assert_eq!(name(Layers::none().file(&directory)), (None, 1));
    assert_eq!(name(Layers { default_file: true, ..Layers::none() }), (None, 0));

    let (settings, found) = Layers::none().environment([("SWIT_TRANSPORT_FILE", secret.as_os_str())]).read(&known());
    assert_eq!((settings.transports["default"].capacity(), found.len()), (Some(3), 0));
    fs::write(&secret, "hunter2").expect("written");
    let found = faults(&Layers::none().environment([
        ("SWIT_TRANSPORT_FILE", secret.as_os_str()),
        ("SWIT_SUBSCRIBER__SHIP__RETRIES_FILE", secret.as_os_str()),
        ("SWIT_SUBSCRIBER__SHIP__TOPICS_FILE", secret.as_os_str()),
        ("SWIT_SERVICE__NAME_FILE", directory.as_os_str()),
    ]));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(!found.concat().contains("hunter2"), "{found:?}");
    fs::remove_dir_all(&directory).expect("removed");
}

#[test]
fn sections_of_swit_are_not_the_applications() {
    let known = Known { sections: vec!["service", "admin", "a.b", "fine"], ..Known::default() };
    let (_, faults) = Layers::none().read(&known);
    let messages: Vec<_> = faults.iter().map(|fault| fault.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the configuration section `a.b` of the application is not one word",
            "the configuration section `admin` of the application belongs to swit",
            "the configuration section `service` of the application belongs to swit",
        ]
    );
}

#[test]
fn debug_shows_no_value() {
    let layers = Layers::none().text("swit.toml", "x = 'hunter2'").set("orders.url", "hunter2");
    let (settings, _) = layers.read(&known());
    assert!(!format!("{layers:?}{settings:?}").contains("hunter2"));
}

/// Text that is nearly a configuration: real words and real punctuation in no order.
fn garbage() -> impl Strategy<Value = String> {
    let words = [
        "subscriber",
        "ship",
        "confirm-order",
        "retries",
        "transport",
        "default",
        "url",
        "memory://",
        "orders",
        "only",
        "middleware",
        "authenticate",
        "topics",
        "limits",
        "payload",
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "=",
        ".",
        "\"",
        "'",
        "\n",
        ",",
        "1",
        "-9",
        "1e400",
        "16MiB",
        "é",
        "\u{feff}",
        "\0",
        "__",
        "_FILE",
        "SWIT_",
        "30s",
        "none(",
        "?capacity=",
        "@",
        ":",
    ];
    prop::collection::vec(
        prop_oneof![8 => prop::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => any::<String>()],
        0..24,
    )
    .prop_map(|words| words.concat())
}

/// Keys that there are.
const KEYS: &[&str] = &[
    "service.name",
    "service.version",
    "service.instance",
    "shutdown.drain",
    "limits.payload",
    "limits.headers",
    "limits.header_bytes",
    "limits.decompressed",
    "transport.default.url",
    "transport.default.capacity",
    "transport.eu.url",
    "transport.eu.capacity",
    "transport.eu.exchange",
    "transport.eu.queues",
    "transport.eu.declare",
    "transport.eu.delivery_limit",
    "transport.eu.heartbeat",
    "transport.eu.connect_timeout",
    "transport.eu.confirm_timeout",
    "transport.eu.window",
    "transport.eu.ack_limit",
    "transport.eu.allow_plaintext",
    "transport.eu.ca_file",
    "transport.eu.cert_file",
    "transport.eu.key_file",
    "transport.eu.management",
    "subscriber.ship.topics",
    "subscriber.ship.group",
    "subscriber.ship.concurrency",
    "subscriber.ship.prefetch",
    "subscriber.ship.timeout",
    "subscriber.ship.retries",
    "subscriber.ship.backoff",
    "subscriber.ship.dead_letter",
    "subscriber.ship.transport",
    "subscriber.ship.enabled",
    "middleware.authenticate.enabled",
    "middleware.authenticate.order",
    "middleware.authenticate.only",
    "middleware.authenticate.except",
    "orders.url",
];

proptest! {
    #[test]
    fn garbage_is_answered_and_never_panics(
        text in garbage(),
        variables in prop::collection::vec((garbage(), garbage()), 0..6),
        key in garbage(),
        value in garbage(),
    ) {
        let variables = variables.into_iter().map(|(name, value)| (format!("SWIT_{name}"), value));
        let _ = Layers::none().text("swit.toml", text).environment(variables).set(key, value).read(&known());
    }

    #[test]
    fn garbage_at_a_real_key_is_refused_or_kept(key in 0..KEYS.len(), text in garbage()) {
        let variable = format!("SWIT_{}", KEYS[key].to_uppercase().replace('.', "__"));
        let (plain, plain_faults) = Layers::none().environment([(variable, text.clone())]).read(&known());
        let (typed, typed_faults) = Layers::none().set(KEYS[key], text).read(&known());
        for (settings, faults) in [(plain, plain_faults), (typed, typed_faults)] {
            let set = format!("{settings:?}").contains("origin") || !settings.sections.is_empty();
            // Set or refused, never neither: no key is accepted and ignored.
            prop_assert_eq!(set, faults.is_empty(), "{:?}", faults);
        }
    }
}
