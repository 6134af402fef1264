//! Headers that are too many, too deep, or no text.

use std::time::{Duration, Instant};

use swit_faults::{Conduct, Process, Rig, Work, rig::HEALING};
use swit_testbed::{
    Broker,
    raw::{Raw, Table},
};

use crate::{
    ground::{Foreign, header},
    rig,
};

/// What ends a message that kills every process that gets it: the broker, after so many deliveries.
const LIMIT: &str = "6";

/// What holds a frame of 128 KiB, without the other properties.
const ROOM: usize = 128 * 1024 - 1_024;

fn body(number: u64) -> Vec<u8> {
    serde_json::to_vec(&Work { number, conduct: Conduct::Succeed, filler: String::new() }).unwrap()
}

/// A broker, and what publishes to its handler byte by byte.
struct Bombed {
    broker: Broker,
    rig: Rig,
    raw: Raw,
}

impl Bombed {
    fn start() -> (Self, Process) {
        let broker = Broker::start();
        let rig = rig(broker.url());
        let handler = rig.handler(&[("FAULTY_DELIVERY_LIMIT", LIMIT)]);
        let raw = Raw::connect(broker.port());
        (Self { broker, rig, raw }, handler)
    }

    fn publish(&mut self, number: u64, headers: &Table) {
        assert!(headers.size() <= ROOM, "{} bytes of headers are more than a frame holds", headers.size());
        let id = swit_faults::work::id(number);
        assert!(self.raw.publish("swit.events", "fault.work", &id, headers, &body(number)), "the broker takes them");
    }

    fn depth(&self, queue: &str) -> u64 {
        self.broker.queue_depth(queue).unwrap_or_default()
    }
}

/// Fault 24: what can be read and is too much is a dead letter at once, without its largest headers if no frame holds them.
#[test]
fn thousands_of_headers_are_refused_before_the_handler() {
    let (mut bombed, mut handler) = Bombed::start();
    let many = (0..5_000).fold(Table::new(), |table, n: u32| table.text(format!("h{n}").as_bytes(), b"value"));
    let large = Table::new().text(b"large", &vec![b'x'; 100 * 1024]);
    let full = (0..120).fold(Table::new(), |table, n: u32| table.text(format!("h{n}").as_bytes(), &[b'x'; 1_070]));
    let binary = Table::new().text(b"binary", &[0xFF; 2_000]);
    let shallow = Table::new().deep_tables(b"tables", 20).deep_lists(b"lists", 20);
    for (number, headers) in [many, large, full].iter().enumerate() {
        bombed.publish(number as u64, headers);
    }
    for (number, headers) in [binary, shallow, Table::new()].iter().enumerate() {
        bombed.publish(10 + number as u64, headers);
    }
    let record = bombed.rig.wait_until("the others are done", HEALING, |record| record.effects.len() == 3);
    assert!((10..13).all(|number| record.effects.contains_key(&format!("work-{number}"))), "{:?}", record.effects);
    // A subscriber of the dead-letter queue would refuse them as well: they are looked at by another client.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let foreign = Foreign::connect(&bombed.broker.url()).await;
        for _ in 0..3 {
            let letter = foreign.take("faults.handle.dlq").await.delivery;
            let number = (0..3).find(|number| letter.data == body(*number)).expect("the whole body of a bomb");
            let said = |name: &str| header(&letter.properties, name);
            assert_eq!(letter.properties.message_id().as_ref().unwrap().as_str(), format!("work-{number}"));
            assert_eq!(said("x-dead-letter-reason"), "invalid_input", "{number}");
            assert_eq!(said("x-dead-letter-queue"), "faults.handle", "{number}");
            assert!(said("x-dead-letter-error").contains("the limit is"), "{number}");
            let dropped = said("x-swit-dropped-headers");
            assert_eq!(dropped.is_empty(), number != 2, "{number} left behind: {dropped}");
        }
    });
    assert_eq!(bombed.depth("faults.handle.dlq"), 0);
    assert!(handler.runs(), "nothing of it kills a process");
}

/// Fault 24: what the client library can't read costs connection after connection, until the broker gives it up.
#[test]
fn keys_that_are_no_text_end_as_dead_letters() {
    let (mut bombed, mut handler) = Bombed::start();
    bombed.publish(1, &Table::new().text(b"not UTF-8: \xFF\xFE", b"value"));
    bombed.publish(2, &Table::new());
    bombed.rig.wait_until("the innocent one is done", HEALING, |record| record.effects.contains_key("work-2"));
    let began = Instant::now();
    while bombed.depth("faults.handle.dlq") < 1 {
        assert!(began.elapsed() < HEALING, "it is no dead letter\n{}", bombed.rig.logs());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(bombed.depth("faults.handle"), 0);
    assert!(handler.runs(), "it is not the process that dies of it");
    // It works as before.
    bombed.publish(3, &Table::new());
    bombed.rig.wait_until("work goes on", Duration::from_secs(30), |record| record.effects.contains_key("work-3"));
}

/// Starts the handler again whenever it dies, as a supervisor does, until `is_over`. Answers how often it died.
fn supervise(bombed: &Bombed, first: Process, is_over: impl Fn(&Bombed) -> bool) -> usize {
    let (mut handler, mut deaths, began) = (first, 0, Instant::now());
    while !is_over(bombed) {
        assert!(began.elapsed() < HEALING, "it died {deaths} times\n{}", bombed.rig.logs());
        if !handler.runs() {
            deaths += 1;
            handler = bombed.rig.restarted(&[("FAULTY_DELIVERY_LIMIT", LIMIT)]);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    deaths
}

/// Fault 24: tables so deep that reading them overflows the client library's stack kill each process that gets them. The
/// broker gives them up, and the innocent behind them are done.
#[test]
fn tables_without_a_bottom_end_as_dead_letters() {
    let (mut bombed, handler) = Bombed::start();
    bombed.publish(1, &Table::new().deep_tables(b"t", ROOM / 7 - 10));
    for number in 2..12 {
        bombed.publish(number, &Table::new());
    }
    // The last one ends with its supervisor: not before it has acknowledged what it did.
    let deaths = supervise(&bombed, handler, |bombed| {
        bombed.depth("faults.handle.dlq") == 1
            && bombed.rig.record().effects.len() == 10
            && bombed.depth("faults.handle") == 0
    });
    assert_eq!(bombed.depth("faults.handle"), 0);
    // Each death is one delivery; if the library ever reads them, this test is to become one of those above.
    assert!(deaths <= 7, "it died {deaths} times");
}

/// Fault 24: with stacks as large as `RUST_MIN_STACK` can make them, the same tables are read, and are no more than a text
/// that is cut off.
#[test]
fn tables_without_a_bottom_are_read_on_a_stack_that_is_large_enough() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[("RUST_MIN_STACK", "1073741824")]);
    let raw = Raw::connect(broker.port());
    let mut bombed = Bombed { broker, rig, raw };
    bombed.publish(1, &Table::new().deep_tables(b"t", ROOM / 7 - 10));
    bombed.publish(2, &Table::new());
    bombed.rig.wait_until("both are done", HEALING, |record| record.effects.len() == 2);
    assert!(handler.runs());
}

/// How deep tables may be before a process dies of them. To be looked at when the client library changes.
#[test]
#[ignore = "a measurement: cargo test -p swit-faults --test faults how_deep -- --ignored --nocapture"]
fn how_deep_tables_may_be() {
    let (mut survived, mut died) = (1, ROOM / 7 - 10);
    while died - survived > survived / 10 {
        let depth = survived.midpoint(died);
        let (mut bombed, mut handler) = Bombed::start();
        bombed.publish(1, &Table::new().deep_tables(b"t", depth));
        let began = Instant::now();
        while handler.runs() && !bombed.rig.record().effects.contains_key("work-1") && began.elapsed() < HEALING {
            std::thread::sleep(Duration::from_millis(20));
        }
        if handler.runs() {
            survived = depth;
        } else {
            died = depth;
        }
        println!("{depth} levels: {}", if handler.runs() { "read" } else { "dead" });
    }
}
