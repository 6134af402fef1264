//! `docs/configuration.md` says what is true: every key is in it, its examples are accepted, its faults are as printed.

use std::path::Path;

use super::{
    Known, Layers,
    admin::ADMIN,
    database::DATABASE,
    keys::{
        BATCH, BREAKER, Key, LIMITS, MIDDLEWARE, PUBLISHER, RATE_LIMIT, SAGA, SERVICE, SHUTDOWN, SUBSCRIBER, TRANSPORT,
    },
    known::SECTIONS,
    resolve,
    telemetry::TELEMETRY,
};
use crate::{
    error::StartupReport,
    registry::{Location, SubscriberSpec},
};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    std::fs::read_to_string(path).expect("the page is there")
}

fn known() -> Known<'static> {
    Known {
        subscribers: vec!["confirm-order", "audit"],
        publishers: vec!["order-created"],
        middleware: vec!["authenticate", "sign"],
        publish_middleware: vec!["sign"],
        transports: vec![],
        sagas: vec!["place-order"],
        sections: vec!["orders"],
    }
}

/// The code blocks of a language.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let open = format!("```{language}\n");
    page.split(open.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn every_key_has_a_row() {
    fn rows<S>(page: &str, keys: &[Key<S>]) {
        for key in keys {
            assert!(page.contains(&format!("\n| `{}` |", key.name)), "`{}` is missing", key.name);
        }
    }
    let page = page();
    rows(&page, SERVICE);
    rows(&page, TRANSPORT);
    rows(&page, SUBSCRIBER);
    rows(&page, BREAKER);
    rows(&page, RATE_LIMIT);
    rows(&page, BATCH);
    rows(&page, PUBLISHER);
    rows(&page, MIDDLEWARE);
    rows(&page, SAGA);
    rows(&page, SHUTDOWN);
    rows(&page, LIMITS);
    rows(&page, ADMIN);
    rows(&page, TELEMETRY);
    rows(&page, DATABASE);
    for word in SECTIONS {
        assert!(page.contains(&format!("`{word}`")) || page.contains(&format!("`[{word}")), "{word}");
    }
}

#[test]
fn its_examples_are_accepted() {
    let page = page();
    let examples = blocks(&page, "toml");
    assert!(examples.len() > 3);
    for example in examples {
        let (_, faults) = Layers::none().text("swit.toml", example).read(&known());
        assert!(faults.is_empty(), "{example}\n{faults:#?}");
    }
    let variables: Vec<_> = blocks(&page, "sh")
        .into_iter()
        .flat_map(str::lines)
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("SWIT_") && word.contains("__") && !word.contains("_FILE="))
        .filter_map(|word| word.split_once('='))
        .collect();
    assert!(variables.len() > 3);
    for (name, value) in variables {
        let value = value.trim_matches('\'');
        let (_, faults) = Layers::none().environment([(name, value)]).read(&known());
        assert!(faults.is_empty(), "{name}={value}\n{faults:#?}");
    }
}

#[test]
fn its_faults_are_as_printed() {
    let page = page();
    let toml = blocks(&page, "toml,faulty")[0];
    let (settings, mut faults) = Layers::none()
        .text("swit.toml", toml)
        .environment([
            ("SWIT_SUBSCRIBER__CONFIRM_ORDER__CONCURRENCY", "64"),
            ("SWIT_TRANSPORT", "amqp://app:pa55@mq:5672"),
        ])
        .set("subscriber.audit.retries", 500)
        .read(&known());
    let spec = SubscriberSpec { prefetch: Some(50), ..SubscriberSpec::DEFAULT };
    let location = Location { module: "orders", file: "src/main.rs", line: 12 };
    faults.extend(resolve(&spec, "confirm-order", location, &settings).1);
    let printed = StartupReport { faults }.to_string();
    let documented =
        blocks(&page, "text").into_iter().find(|block| block.contains("does not start")).unwrap_or_default();
    assert_eq!(documented.trim_end(), printed, "\n{printed}\n");
}
