//! Crashes between a copy and the acknowledgement of what it replaces.

use std::time::{Duration, Instant};

use swit_faults::{Conduct, Process, Rig, rig::HEALING};
use swit_testbed::{
    Broker,
    ledger::{Effects, Record},
};

use crate::rig;

/// Workers of the handler: most deliveries whose copies are on their way at once.
const WORKERS: usize = 8;
/// Most verdicts that wait for their acknowledgement: a quarter of the handler's prefetch of 64.
const WAITING: usize = 16;

/// Handles so many messages that fail for good, crashes where the failpoint says, starts again, and ends.
fn crash(failpoint: &str, count: u64, configuration: &str) -> Record {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let configured = [("FAULTY_CONFIGURATION", configuration)];
    let mut handler = rig.handler(&[configured.as_slice(), &[("SWIT_FAILPOINT", failpoint)]].concat());
    rig.producer(0, count, &[Conduct::Fail], &[]).wait(HEALING);
    assert!(!handler.wait(HEALING).success(), "it was to crash at {failpoint}");
    let again = rig.handler(&configured);
    let _gravedigger = rig.gravedigger();
    rig.settle(Effects::AtLeastOnce);
    settled(&broker, &rig, again)
}

/// What a broker tells of a quorum queue may be so old.
const STALE: Duration = Duration::from_secs(6);

/// The record once nothing is on its way any more: for longer than the broker's numbers may be old, since what changes queues
/// is in neither for a moment.
fn settled(broker: &Broker, rig: &Rig, _handler: Process) -> Record {
    let began = Instant::now();
    let is_empty = || broker.list_queues().iter().all(|queue| queue.depth() == 0);
    let mut empty_since = Instant::now();
    while empty_since.elapsed() < STALE {
        if !is_empty() {
            empty_since = Instant::now();
        }
        assert!(began.elapsed() < HEALING + STALE, "{:?}", broker.list_queues());
        std::thread::sleep(Duration::from_millis(100));
    }
    rig.record()
}

/// How many dead letters there are of each id beyond the first.
fn duplicates(record: &Record) -> Vec<usize> {
    record.dead.values().map(|letters| letters.len() - 1).filter(|more| *more > 0).collect()
}

/// Fault 30: of one message, exactly one copy too many.
#[test]
fn a_crash_after_a_copy_makes_one_duplicate() {
    let record = crash("after_copy:1", 1, "");
    assert_eq!(duplicates(&record), [1], "{:?}", record.dead);
}

/// Fault 30: of many, at most one a message, and of no more than were in the hands of workers or settled and not acknowledged.
#[test]
fn a_crash_after_copies_makes_at_most_one_duplicate_of_each() {
    let record = crash("after_copy:15", 60, "");
    let duplicates = duplicates(&record);
    assert_eq!(record.dead.len(), 60);
    assert!(duplicates.iter().all(|more| *more == 1), "{:?}", record.dead);
    assert!(!duplicates.is_empty() && duplicates.len() <= WORKERS + WAITING, "{} duplicates", duplicates.len());
}

/// Fault 30: the copies that wait for the next attempt.
#[test]
fn a_crash_after_a_delayed_copy_makes_at_most_one_duplicate() {
    let configuration = "[subscriber.handle]\nretries = 1\nbackoff = \"fixed(2s)\"\n";
    let record = crash("after_copy:1", 1, configuration);
    assert_eq!(duplicates(&record), [1], "{:?}", record.dead);
}
