//! The committed sample, and others like it.

use std::path::Path;

use serde_json::Value;
use swit_orders::sample;

use crate::{
    binary::{TempFile, run},
    oracle,
};

pub(crate) fn generated(count: u64, seed: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    sample::write(count, seed, &mut lines).unwrap();
    lines
}

pub(crate) fn committed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/orders.jsonl")
}

#[test]
fn the_committed_file_is_what_the_generator_prints() {
    assert!(
        std::fs::read(committed()).unwrap() == generated(2_000, 7),
        "run `cargo run -p swit-examples --bin generate-orders > swit-examples/data/orders.jsonl`"
    );
}

#[test]
fn the_committed_file_comes_out_as_the_rules_say() {
    let expected = oracle::expect(&std::fs::read(committed()).unwrap());
    let ran = run(&committed());
    expected.check(&ran.summary);
    assert_eq!(ran.dead_lines(), expected.dead_lines);
    for letter in &ran.letters {
        assert_letter(letter);
    }
}

fn assert_letter(letter: &Value) {
    let headers = &letter["headers"];
    let attempts = headers["x-dead-letter-attempts"].as_u64();
    if headers["x-dead-letter-reason"] == "invalid_input" {
        assert_eq!((&headers["x-line"], attempts), (&letter["line"], Some(1)), "{letter}");
        assert_eq!(headers["x-dead-letter-subscriber"], "accept-order");
    } else {
        assert_eq!((&headers["x-dead-letter-subscriber"], attempts), (&"take-payment".into(), Some(4)), "{letter}");
        assert_eq!(headers["x-original-topic"], "inventory.reserved");
    }
    assert!(headers["x-dead-letter-error"].as_str().is_some_and(|text| !text.is_empty()));
}

#[test]
fn other_seeds_come_out_right_too() {
    for seed in [1, 2, 3] {
        let lines = generated(3_000, seed);
        let file = TempFile::with(&lines);
        let expected = oracle::expect(&lines);
        expected.check(&run(file.path()).summary);
    }
}
