//! Inputs that nobody should send, and everybody does.

use crate::{
    binary::{TempFile, number, run},
    oracle,
};

const TAIL: &str = r#""customer_id":"c","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":[{"sku":"s","quantity":1,"unit_price":"1.50"}],"payment":{"method":"card","token":"tok_1"}}"#;

fn order(id: &str) -> String {
    format!("{{\"order_id\":\"{id}\",{TAIL}")
}

/// An order with one more field.
fn with(id: &str, field: &str) -> String {
    format!("{{{field},\"order_id\":\"{id}\",{TAIL}")
}

#[test]
fn nothing_is_read_from_nothing() {
    for nothing in ["", "\n", "\u{feff}", "\u{feff}\r\n", "\n\n   \n\t\r\n"] {
        let ran = run(TempFile::with(nothing).path());
        assert_eq!((number(&ran.summary, "read"), &ran.summary["dead_lettered"]), (0, &serde_json::json!({})));
    }
}

#[test]
fn line_breaks_and_a_byte_order_mark() {
    for text in [
        format!("\u{feff}{}\r\n\r\n{}\r\n", order("a"), order("b")),
        format!("{}\n{}", order("a"), order("b")),
        format!("\n\n\n {}  \n\t{}\t\r\n\n", order("a"), order("b")),
    ] {
        let ran = run(TempFile::with(&text).path());
        assert_eq!((number(&ran.summary, "read"), number(&ran.summary, "completed")), (2, 2), "{text}");
    }
}

#[test]
fn megabytes_depth_and_bytes() {
    let long = "x".repeat(3_000_000);
    let items = vec![r#"{"sku":"s","quantity":10000,"unit_price":"0.0001"}"#; 20_000].join(",");
    let deep = |levels: usize| with("deep", &format!("\"x\":{}1{}", "[".repeat(levels), "]".repeat(levels)));
    let mut input = Vec::new();
    for line in [
        with("long", &format!("\"note\":\"{long}\"")).as_str(),
        &order("many").replace(r#"{"sku":"s","quantity":1,"unit_price":"1.50"}"#, &items),
        &long,
        &format!("\"{long}\""),
        &deep(200),
        &deep(100_000),
        &"[".repeat(2_000_000),
        &"{\"a\":".repeat(300_000),
        &deep(100),
        &with("texts", r#""x":"\ud83c\udf75 [[[[ {{{{ \" \\""#),
    ] {
        input.extend_from_slice(line.as_bytes());
        input.push(b'\n');
    }
    for bytes in [&b"\xff\xfe{}"[..], b"{\"order_id\":\"\xc3\x28\"}", &[0, 0, 0], b"\xed\xa0\x80"] {
        input.extend_from_slice(bytes);
        input.push(b'\n');
    }
    let ran = run(TempFile::with(&input).path());
    let expected = oracle::expect(&input);
    expected.check(&ran.summary);
    assert_eq!(number(&ran.summary, "completed"), 4);
    let of = |line: u64| ran.letters.iter().find(|letter| letter["line"] == line).unwrap();
    assert_eq!(of(3)["payload"].as_str().unwrap().len(), long.len(), "the whole line is kept");
    assert_eq!((&of(11)["payload_encoding"], &of(11)["payload"]), (&"base64".into(), &"//57fQ==".into()));
    assert_eq!(of(13)["payload"], "\0\0\0");
    assert!(of(5)["headers"]["x-dead-letter-error"].as_str().unwrap().contains("128"));
}

#[test]
fn a_line_over_the_limit_is_cut_and_says_so() {
    let long = with("long", &format!("\"note\":\"{}\"", "x".repeat(17 << 20)));
    let ran = run(TempFile::with(format!("{}\n{long}\n{}", order("a"), order("b"))).path());
    assert_eq!((number(&ran.summary, "read"), number(&ran.summary, "completed")), (3, 2));
    let letter = &ran.letters[0];
    assert_eq!((&letter["line"], &letter["headers"]["x-line-bytes"]), (&2.into(), &long.len().into()));
    assert!(long.starts_with(letter["payload"].as_str().unwrap()));
    assert!(letter["payload"].as_str().unwrap().len() > 16_000_000);
}

#[test]
fn the_first_valid_line_of_an_id_wins() {
    let lines = [
        order("a").replace("\"EUR\"", "\"eur\""),
        order("a").replace("tok_1", "tok_flaky"),
        order("a").replace("tok_1", "tok_down"),
        order("a").replace("\"s\"", "\"OOS-1\""),
        order("a"),
        order("a").replace("\"c\"", "5"),
        order("A"),
        order("\\u0061"),
        order("b").replace("tok_1", "tok_panic"),
        order("b"),
    ];
    let input = lines.join("\n");
    let ran = run(TempFile::with(&input).path());
    assert_eq!((number(&ran.summary, "completed"), number(&ran.summary, "duplicates")), (2, 5));
    assert_eq!(ran.summary["dead_lettered"], serde_json::json!({"invalid_input": 2, "max_retries_exceeded": 1}));
    assert_eq!(ran.summary["retries"], 5);
}

#[test]
fn numbers_as_texts_and_texts_as_numbers() {
    let wrong = [
        ("\"quantity\":1", "\"quantity\":\"1\""),
        ("\"quantity\":1", "\"quantity\":1.0"),
        ("\"quantity\":1", "\"quantity\":1e0"),
        ("\"quantity\":1", "\"quantity\":0"),
        ("\"1.50\"", "1.50"),
        ("\"1.50\"", "\"-1.50\""),
        ("\"1.50\"", "\"1.50000\""),
        ("\"1.50\"", "\"99999999999999999999999999999999\""),
        ("\"EUR\"", "\"eur\""),
        ("\"c\"", "7"),
    ];
    let input: String =
        wrong.iter().enumerate().map(|(n, (from, to))| order(&n.to_string()).replace(from, to) + "\n").collect();
    let ran = run(TempFile::with(&input).path());
    assert_eq!(ran.summary["dead_lettered"], serde_json::json!({"invalid_input": wrong.len()}));
    assert!(ran.output.stderr.is_empty(), "{:?}", String::from_utf8_lossy(&ran.output.stderr));
}
