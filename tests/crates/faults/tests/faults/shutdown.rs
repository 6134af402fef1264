//! Shutting down, whatever else happens.

use std::time::{Duration, Instant};

use swit_faults::{Conduct, Rig, rig::HEALING};
use swit_testbed::{Broker, ledger::Effects};

use crate::{
    rig,
    steps::{QUEUE, explains_duplicates},
};

/// What a shutdown may take beyond its drain: what the transport may take to close, and a busy machine.
const CLOSING: Duration = Duration::from_secs(5);

/// A new handler finds everything that the one before left behind.
fn finishes(rig: &Rig, interruptions: usize) {
    let mut handler = rig.handler(&[]);
    let record = rig.settle(Effects::AtLeastOnce);
    assert_eq!(record.attempted, record.confirmed);
    explains_duplicates(&record, interruptions);
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// Fault 40: handlers that end within the deadline are waited for.
#[test]
fn a_shutdown_waits_for_its_handlers() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[("FAULTY_CONFIGURATION", "shutdown.drain = '20s'")]);
    rig.producer(0, 40, &[Conduct::SucceedAfter(1_000)], &[]).wait(HEALING);
    rig.wait_until("they are at it", HEALING, |record| record.effects.len() >= 8);
    let (asked, done) = (Instant::now(), rig.record().effects.len());
    handler.signal("TERM");
    assert!(handler.wait(Duration::from_secs(20)).success(), "all that had begun was finished");
    assert!(asked.elapsed() < Duration::from_secs(10), "it takes no longer than its handlers");
    let record = rig.record();
    assert!(record.effects.len() > done, "those that had begun have ended");
    assert_eq!(broker.queue_depth(QUEUE), Some(40 - record.effects.len() as u64), "each of them is acknowledged");
    finishes(&rig, 0);
    assert!(rig.record().effects.values().all(|times| *times == 1), "C");
}

/// Fault 40: handlers that are too slow are given up at the deadline, and their messages are not.
#[test]
fn a_shutdown_ends_at_its_deadline() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[("FAULTY_CONFIGURATION", "shutdown.drain = '2s'")]);
    rig.producer(0, 8, &[Conduct::SucceedAfter(12_000)], &[]).wait(HEALING);
    wait_until_taken(&broker);
    handler.signal("TERM");
    let status = handler.wait(Duration::from_secs(2) + CLOSING);
    assert!(!status.success(), "it says that something was not finished");
    assert!(rig.record().effects.is_empty());
    finishes(&rig, 1);
}

/// Fault 40: publishing is blocked by an alarm of the broker, so no handler comes to its end.
#[test]
fn a_shutdown_ends_at_its_deadline_while_publishing_is_blocked() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    // They would wait for much longer than that.
    let mut handler =
        rig.handler(&[("FAULTY_CONFIGURATION", "shutdown.drain = '2s'"), ("FAULTY_CONFIRM_TIMEOUT", "30")]);
    rig.producer(0, 400, &[Conduct::SucceedAfter(100)], &[]).wait(HEALING);
    broker.set_vm_memory_high_watermark(0.0001);
    handler.wait_for_log("blocked by the broker", HEALING);
    std::thread::sleep(Duration::from_secs(1));
    let done = rig.record().effects.len();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(rig.record().effects.len(), done, "all handlers wait for the broker");
    assert!(done < 400, "there is more to do");
    handler.signal("TERM");
    assert!(!handler.wait(Duration::from_secs(2) + CLOSING).success(), "it says that something was not finished");
    broker.set_vm_memory_high_watermark(0.4);
    finishes(&rig, 1);
}

/// Fault 40: a second signal ends it at once.
#[test]
fn a_second_signal_ends_a_shutdown_at_once() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[("FAULTY_CONFIGURATION", "shutdown.drain = '60s'")]);
    rig.producer(0, 8, &[Conduct::SucceedAfter(12_000)], &[]).wait(HEALING);
    wait_until_taken(&broker);
    handler.signal("TERM");
    handler.wait_for_log("draining", HEALING);
    assert!(handler.runs());
    handler.signal("TERM");
    assert_eq!(handler.wait(Duration::from_secs(3)).code(), Some(130), "as a shell reports it");
    finishes(&rig, 1);
}

fn wait_until_taken(broker: &Broker) {
    let began = Instant::now();
    while broker.queue(QUEUE).is_none_or(|queue| queue.ready > 0) {
        assert!(began.elapsed() < HEALING, "the messages do not arrive");
        std::thread::sleep(Duration::from_millis(50));
    }
    // From the client to its workers.
    std::thread::sleep(Duration::from_millis(500));
}
