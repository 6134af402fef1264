//! Inputs that are run to their end.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use swit_orders::sample;

use crate::{
    binary::{TempFile, number},
    effects,
    ground::{Ground, Running},
    oracle,
};

pub(crate) fn generated(count: u64, seed: u64) -> Vec<u8> {
    let mut lines = Vec::new();
    sample::write(count, seed, &mut lines).unwrap();
    lines
}

/// To its end, and once more: nothing is left to do, and the sums are the same.
fn comes_out_as_the_rules_say(ground: &Ground, lines: u64, seed: u64) {
    let input = generated(lines, seed);
    let (file, expected) = (TempFile::with(&input), oracle::expect(&input));
    let first = ground.run(file.path());
    expected.check_outcomes(&first);
    effects::check(ground, "once");
    let second = ground.run(file.path());
    for key in
        ["read", "completed", "rejected_by_reason", "dead_lettered", "duplicates", "orders_by_type", "orders_by_region"]
    {
        assert_eq!(second[key], first[key], "{key}");
    }
    effects::check(ground, "twice");
}

#[test]
fn on_sqlite_a_file_comes_out_as_the_rules_say() {
    comes_out_as_the_rules_say(&Ground::sqlite(), 400, 7);
}

#[test]
fn on_sqlite_and_rabbitmq_a_file_comes_out_as_the_rules_say() {
    let ground = Ground::sqlite().on_rabbitmq();
    comes_out_as_the_rules_say(&ground, 200, 9);
    ground.gave_nothing_up();
}

#[test]
fn on_postgres_a_file_comes_out_as_the_rules_say() {
    comes_out_as_the_rules_say(&Ground::postgres(), 400, 8);
}

/// What another input had is a duplicate; what was stopped is finished; a pipe is taken in line by line.
#[test]
fn inputs_share_their_order_ids() {
    let ground = Ground::sqlite();
    let input = generated(60, 3);
    let file = TempFile::with(&input);
    let first = ground.run(file.path());
    let mut child = ground.command().arg("-").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&input).unwrap();
    let second = Running(child).end();
    assert_eq!(second["read"], first["read"]);
    assert_eq!(number(&second, "completed") + number(&second, "rejected"), 0, "{second}");
    let orders = oracle::expect(&input);
    orders.check_outcomes(&first);
    assert_eq!(second["dead_lettered"]["invalid_input"], first["dead_lettered"]["invalid_input"]);
    effects::check(&ground, "at the end");
}

/// Served without a file, it takes orders as they come, and ends them all when it is stopped.
#[test]
fn without_a_file_it_serves_until_stopped() {
    let ground = Ground::sqlite();
    let mut command = ground.command();
    command.env("SWIT_ADMIN__ADDRESS", "127.0.0.1:0").env("RUST_LOG", "order_saga=warn").stdin(Stdio::piped());
    let mut running = Running(command.spawn().unwrap());
    running.0.stdin.take().unwrap().write_all(&generated(50, 5)).unwrap();
    ground.until_more_than(40);
    assert!(running.0.try_wait().unwrap().is_none(), "the end of the input is not the end of the service");
    let told = Command::new("kill").args(["-s", "TERM", &running.0.id().to_string()]).status().unwrap();
    assert!(told.success());
    let summary = running.end();
    assert_eq!((number(&summary, "read"), &summary["stopped"]), (50, &true.into()));
    effects::check(&ground, "at the end");
}

/// swit's own commands are this program's: it is checked and drawn, and its sagas are listed.
#[test]
fn its_commands_know_its_saga_and_nobody_elses_handlers() {
    let ground = Ground::sqlite();
    let order = String::from_utf8(generated(1, 7)).unwrap();
    let file = TempFile::with(&order);
    assert_eq!(number(&ground.run(file.path()), "completed"), 1);
    let id = serde_json::from_str::<serde_json::Value>(&order).unwrap()["order_id"].as_str().unwrap().to_owned();
    let say = |arguments: &[&str]| {
        let output = ground.bare().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    say(&["check"]);
    let graph = say(&["graph"]);
    assert!(graph.contains("book-parcel") && !graph.contains("take-payment"), "{graph}");
    let listed = say(&["saga", "list"]);
    assert!(listed.contains("place-order"), "{listed}");
    let shown = say(&["saga", "show", "place-order", &id]);
    assert!(shown.contains("request_shipping") && shown.contains("completed"), "{shown}");
}

/// Ids that databases and keys find hard: 64 characters of four bytes, NUL, quotes, backslashes.
#[test]
fn nasty_ids_are_orders_like_others() {
    let order = |id: &str| {
        let id = serde_json::to_string(id).unwrap();
        format!(
            r#"{{"order_id":{id},"customer_id":"c","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":[{{"sku":"s","quantity":1,"unit_price":"1.50"}}],"payment":{{"method":"card","token":"tok_1"}}}}"#
        )
    };
    let ids =
        ["\u{1f980}".repeat(64), "a\0b".to_owned(), r"a\0b".to_owned(), "'\"\\; --".to_owned(), "\u{7f}".to_owned()];
    let input = ids.iter().map(|id| order(id)).collect::<Vec<_>>().join("\n") + "\n{\"order_id\":\"\0\"}\n";
    let file = TempFile::with(&input);
    for ground in [Ground::sqlite(), Ground::postgres()] {
        let summary = ground.run(file.path());
        oracle::expect(input.as_bytes()).check_outcomes(&summary);
        assert_eq!(number(&summary, "completed"), 5);
        effects::check(&ground, "at the end");
    }
}
