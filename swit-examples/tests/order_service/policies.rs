//! The policies of the reference: as they are written, and as they show where the service serves.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::Stdio,
    time::{Duration, Instant},
};

use swit::Handler;
use swit_examples::order_service::handlers::{prepare_order, reserve_inventory, take_payment};

use crate::binary::{Running, TempFile, number, order_service, run};

fn order(id: &str, customer: &str, sku: &str, token: &str) -> String {
    let items = format!(r#"[{{"sku":"{sku}","quantity":1,"unit_price":"1.50"}}]"#);
    let payment = format!(r#"{{"method":"card","token":"{token}"}}"#);
    format!(
        r#"{{"order_id":"{id}","customer_id":"{customer}","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":{items},"payment":{payment}}}"#
    )
}

#[test]
fn the_attributes_say_what_the_reference_says() {
    let payment = take_payment::REGISTRATION.spec;
    assert_eq!((payment.retries, payment.timeout), (Some(3), Duration::from_secs(30)));
    assert_eq!(payment.backoff, Some(swit::Backoff::fixed(Duration::from_secs(1))));
    assert_eq!((payment.concurrency, payment.prefetch), (10, Some(50)));
    assert_eq!(format!("{:?} {:?}", payment.ack, payment.dead_letter), "Manual Queue(\"payment.events.dlq\")");
    let limits = payment.circuit_breaker.unwrap().numbers.limits();
    assert_eq!((limits.failures, limits.reset), (Some(10), Duration::from_secs(5)));
    let inventory = reserve_inventory::REGISTRATION.spec;
    assert_eq!((inventory.concurrency, format!("{:?}", inventory.order)), (5, "Key".to_owned()));
    let limit = inventory.rate_limit.unwrap();
    assert_eq!((limit.per_second, limit.burst, inventory.timeout), (Some(100), Some(10), Duration::from_secs(10)));
    assert!(prepare_order::REGISTRATION.composite.is_some());
}

#[test]
fn a_customer_who_cannot_be_told_gets_the_order_all_the_same() {
    let file = TempFile::with(order("a", "unreachable-1", "s", "tok_1"));
    let ran = run(file.path());
    assert_eq!(number(&ran.summary, "completed"), 1);
    assert_eq!((&ran.summary["retries"], &ran.summary["dead_lettered"]), (&0.into(), &serde_json::json!({})));
    let output = order_service().arg(&file).env("RUST_LOG", "warn").output().unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("WARN") && log.contains("notify-customer"), "it is a warning: {log}");
    assert!(!log.contains("ERROR"), "{log}");
}

fn says(mut log: &mut dyn Iterator<Item = String>, text: &str) -> bool {
    Iterator::any(&mut log, |line| line.contains(text))
}

/// Serves, and is stopped once the log says so.
fn serve(lines: &[String], until: impl FnOnce(&mut dyn Iterator<Item = String>)) -> serde_json::Value {
    let mut running = Running::start(order_service().env("RUST_LOG", "warn,swit_runtime=info").stdin(Stdio::piped()));
    let mut stdin = running.child.stdin.take().unwrap();
    let mut log = BufReader::new(running.child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(log.any(|line| line.contains("started")), "it starts");
    for line in lines {
        stdin.write_all(line.as_bytes()).unwrap();
        stdin.write_all(b"\n").unwrap();
    }
    drop(stdin);
    assert!(says(&mut log, "serving until stopped"), "all is read");
    until(&mut log);
    let reader = std::thread::spawn(move || log.for_each(drop));
    running.signal("TERM");
    let summary = running.end().summary;
    reader.join().unwrap();
    summary
}

#[test]
fn a_partner_that_is_down_is_left_alone() {
    let lines: Vec<String> = (0..3).map(|n| order(&n.to_string(), "c", "s", "tok_down")).collect();
    let summary = serve(&lines, |log| {
        assert!(says(log, "the circuit breaker opens"), "after ten failures in a row");
        let opened = Instant::now();
        assert!(says(log, "half-open"), "after its reset");
        assert!(opened.elapsed() > Duration::from_secs(4), "{:?}", opened.elapsed());
    });
    assert_eq!(summary["dead_lettered"], serde_json::json!({"max_retries_exceeded": 3}), "and no attempt more or less");
    assert_eq!(summary["retries"], 9);
}

#[test]
fn the_inventory_is_not_asked_faster_than_it_bears() {
    let lines: Vec<String> = (0..200).map(|n| order(&n.to_string(), "c", &format!("s{n}"), "tok_1")).collect();
    let began = Instant::now();
    let summary = serve(&lines, |_| ());
    assert_eq!(number(&summary, "completed"), 200);
    assert!(began.elapsed() > Duration::from_millis(1_800), "190 of them at 100 a second: {:?}", began.elapsed());
}
