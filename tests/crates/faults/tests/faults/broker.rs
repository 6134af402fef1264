//! Brokers that restart, crash, freeze, and close what is connected.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use swit_faults::rig::HEALING;
use swit_testbed::{Broker, ledger::Effects};

use crate::{
    rig,
    steps::{end, endless_producer, explains_duplicates, resumes, seeded},
};

/// Breaks a broker under load, so many times, each time by `fault`, which interrupts so often and answers when it was
/// healed.
fn survives(test: &str, times: usize, interruptions: usize, fault: impl Fn(&Broker, Duration) -> Instant) {
    seeded(test, |seed| {
        let mut rng = seed.rng();
        let broker = Broker::start();
        let rig = rig(broker.url());
        let mut handler = rig.handler(&[]);
        let mut producer = endless_producer(&rig, &[]);
        for _ in 0..times {
            std::thread::sleep(Duration::from_millis(rng.random_range(0..1_000)));
            let healed = fault(&broker, Duration::from_millis(rng.random_range(0..1_000)));
            resumes(&rig, &broker, 1, healed);
        }
        end(&mut producer);
        let record = rig.settle(Effects::AtLeastOnce);
        assert_eq!(record.attempted, record.confirmed, "what is tried again is confirmed in the end");
        explains_duplicates(&record, times * interruptions);
        handler.signal("TERM");
        assert!(handler.wait(HEALING).success(), "{}", handler.log());
    });
}

/// Fault 3.
#[test]
fn a_broker_that_restarts_five_times_loses_nothing() {
    survives("a_broker_that_restarts_five_times_loses_nothing", 5, 1, |broker, down| {
        broker.stop_app();
        std::thread::sleep(down);
        broker.start_app();
        Instant::now()
    });
}

/// Fault 4.
#[test]
fn a_broker_that_crashes_loses_nothing() {
    survives("a_broker_that_crashes_loses_nothing", 2, 1, |broker, down| {
        broker.kill();
        std::thread::sleep(down);
        broker.restart();
        Instant::now()
    });
}

/// Fault 5: every connection, every two seconds.
#[test]
fn connections_that_are_closed_are_opened_again() {
    survives("connections_that_are_closed_are_opened_again", 1, 4, |broker, more| {
        for _ in 0..3 {
            assert!(broker.close_all_connections("a test closes them") >= 2);
            std::thread::sleep(Duration::from_millis(1_500) + more);
        }
        broker.close_all_connections("a test closes them");
        Instant::now()
    });
}

/// Fault 10: for three heartbeats, which is longer than it takes to be held for dead.
#[test]
fn a_broker_that_freezes_is_found_again() {
    survives("a_broker_that_freezes_is_found_again", 1, 1, |broker, more| {
        broker.freeze();
        std::thread::sleep(Duration::from_secs(6) + more);
        broker.thaw();
        Instant::now()
    });
}
