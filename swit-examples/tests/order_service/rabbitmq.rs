//! The same binary on RabbitMQ: alone, as a group, over a crash of the broker, and stopped in the middle.
//!
//! Each test has a node of its own, and they run one after the other: a group that is named alike is one group.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use swit_testbed::{Broker, broker::Queue};

use crate::{
    binary::{Ended, Running, TempFile, number, order_service},
    oracle,
    sample::{committed, generated},
};

/// A broker, and the only one at a time: each is as busy as a processor lets it be.
struct Alone(Broker, #[expect(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Alone {
    fn start() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self(Broker::start(), turn)
    }

    /// The binary, on this broker.
    fn order_service(&self) -> Command {
        let mut command = order_service();
        command.env("SWIT_TRANSPORT", self.0.url());
        command
    }

    /// Waits until the flow is in the middle of its work: some lines are through, and this many wait.
    fn until_it_works(&self, waiting: u64) {
        let began = Instant::now();
        let depth = |queue: &str| self.0.queue_depth(queue).unwrap_or(0);
        while depth("order-service.accept-order") < waiting || depth("order-service.take-payment") == 0 {
            assert!(began.elapsed() < Duration::from_mins(1), "{:?}", self.0.list_queues());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The end of one process does no harm to the connections of another: the broker itself had no fault.
    fn assert_broker_is_well(&self) {
        for file in std::fs::read_dir(self.0.folder().join("log")).unwrap() {
            let log = std::fs::read(file.unwrap().path()).unwrap();
            let log = String::from_utf8_lossy(&log);
            assert!(!log.contains("crasher:"), "{log}");
        }
    }

    /// Everything is empty, and what belonged to instances is gone with them.
    fn assert_left_clean(&self) {
        let queues = self.0.list_queues();
        let full: Vec<_> = queues.iter().filter(|queue| queue.depth() > 0).collect();
        assert!(full.is_empty(), "{full:?}");
        assert!(queues.iter().all(|queue| {
            ["order-service.", "payment.events.dlq", "swit."].iter().any(|start| queue.name.starts_with(start))
        }));
        let of_instances = ["order-service.record-", "order-service.remember-"];
        let left = queues.iter().filter(|queue| of_instances.iter().any(|start| queue.name.starts_with(start)));
        assert_eq!(left.collect::<Vec<_>>(), Vec::<&Queue>::new());
    }
}

/// The sums of all processes of a group.
fn sum(summaries: &[&Value], key: &str) -> u64 {
    summaries.iter().map(|summary| number(summary, key)).sum()
}

/// The beginning of an input, up to this many lines that are not blank.
fn first_lines(input: &[u8], lines: u64) -> &[u8] {
    let (mut bytes, mut found) = (0, 0);
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        if found == lines {
            break;
        }
        bytes += line.len();
        found += u64::from(!line.trim_ascii().is_empty());
    }
    &input[..bytes]
}

#[test]
fn the_committed_file_comes_out_as_in_memory() {
    let broker = Alone::start();
    let expected = oracle::expect(&std::fs::read(committed()).unwrap());
    let ran = Running::start(broker.order_service().arg(committed())).end();
    expected.check(&ran.summary);
    assert_eq!(ran.dead_lines(), expected.dead_lines);
    let in_memory = crate::binary::run(&committed());
    for key in ["orders_by_type", "orders_by_region", "rejected_by_reason"] {
        assert_eq!(ran.summary[key], in_memory.summary[key]);
    }
    broker.assert_left_clean();
}

#[test]
fn two_processes_share_the_work_and_each_accounts_for_its_lines() {
    let broker = Alone::start();
    let inputs = [generated(300, 21), generated(300, 22)];
    // Nobody's id is another's, so that it does not matter who comes first.
    let second = String::from_utf8_lossy(&inputs[1]).replace("\"order_id\": \"", "\"order_id\": \"2-");
    let inputs = [inputs[0].clone(), second.into_bytes()];
    let files = [TempFile::with(&inputs[0]), TempFile::with(&inputs[1])];
    let processes = [&files[0], &files[1]].map(|file| Running::start(broker.order_service().arg(file)));
    // Both, before either is judged: what one of them says may explain the other.
    let ended = processes.map(Running::ended);
    assert!(ended.iter().all(Ended::balanced), "{ended:#?}");
    let ran = ended.map(Ended::check);
    let mut retries = 0;
    for (ran, input) in ran.iter().zip(&inputs) {
        let expected = oracle::expect(input);
        expected.check_outcomes(&ran.summary);
        assert_eq!(ran.dead_lines(), expected.dead_lines);
        retries += expected.retries;
    }
    let summaries = [&ran[0].summary, &ran[1].summary];
    // What the first to end gives back unfinished begins again with its first attempt.
    assert!(sum(&summaries, "retries") >= retries);
    broker.assert_broker_is_well();
    broker.assert_left_clean();
}

#[test]
fn of_an_id_that_two_processes_read_one_line_passes() {
    let broker = Alone::start();
    // The same lines, so that it does not matter whose comes first.
    let input = generated(300, 25);
    let mut processes = [(); 2].map(|()| Running::start(broker.order_service().arg("-").stdin(Stdio::piped())));
    let inputs = processes.each_mut().map(|process| process.child.stdin.take().unwrap());
    let inputs = inputs.map(|mut stdin| {
        let input = input.clone();
        thread::spawn(move || {
            stdin.write_all(&input).unwrap();
            stdin
        })
    });
    // Open until all lines are handled: none of the two ends before, and has to be succeeded.
    let open = inputs.map(|writing| writing.join().unwrap());
    let (began, mut quiet) = (Instant::now(), 0);
    while quiet < 20 {
        assert!(began.elapsed() < Duration::from_mins(2), "{:?}", broker.0.list_queues());
        quiet = if broker.0.queue_depth("order-service.accept-order") == Some(0) { quiet + 1 } else { 0 };
        thread::sleep(Duration::from_millis(50));
    }
    drop(open);
    let ended = processes.map(Running::ended);
    assert!(ended.iter().all(Ended::balanced), "{ended:#?}");
    let ran = ended.map(Ended::check);
    let summaries = [&ran[0].summary, &ran[1].summary];
    let mut dead_lettered = BTreeMap::<&str, u64>::new();
    for (reason, number) in summaries.iter().flat_map(|summary| summary["dead_lettered"].as_object().unwrap()) {
        *dead_lettered.entry(reason).or_default() += number.as_u64().unwrap();
    }
    let sum = |key| sum(&summaries, key);
    let both = json!({
        "read": sum("read"), "completed": sum("completed"), "rejected": sum("rejected"),
        "dead_lettered": dead_lettered, "duplicates": sum("duplicates"),
    });
    oracle::expect(&[&input[..], b"\n", &input].concat()).check_outcomes(&both);
    broker.assert_broker_is_well();
    broker.assert_left_clean();
}

#[test]
fn a_crash_of_the_broker_in_the_middle_balances() {
    let broker = Alone::start();
    let input = generated(1_000, 23);
    let file = TempFile::with(&input);
    let running = Running::start(broker.order_service().arg(&file));
    broker.until_it_works(300);
    broker.0.kill();
    broker.0.restart();
    let ran = running.end();
    let expected = oracle::expect(&input);
    expected.check_outcomes(&ran.summary);
    assert_eq!(ran.dead_lines(), expected.dead_lines);
}

#[test]
fn a_signal_in_the_middle_drains_and_balances() {
    let broker = Alone::start();
    let input = generated(600, 24);
    let mut running = Running::start(broker.order_service().arg("-").stdin(Stdio::piped()));
    let mut stdin = running.child.stdin.take().unwrap();
    stdin.write_all(&input).unwrap();
    stdin.flush().unwrap();
    broker.until_it_works(200);
    running.signal("TERM");
    let ran = running.end();
    // Open until now: it was stopped, and did not come to the end.
    drop(stdin);
    assert_eq!(ran.summary["stopped"], true);
    let taken = first_lines(&input, number(&ran.summary, "read"));
    oracle::expect(taken).check_outcomes(&ran.summary);
    broker.assert_left_clean();
}
