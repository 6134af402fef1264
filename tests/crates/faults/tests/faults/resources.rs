//! What the system does not give.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use swit_faults::{Process, rig::HEALING};
use swit_testbed::{Broker, ledger::Effects};

use crate::{
    rig,
    steps::{end, endless_producer, explains_duplicates, resumes},
};

/// Fault 44: no socket can be opened when the connections are lost.
#[test]
fn file_descriptors_that_are_exhausted_and_come_back() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[]);
    let mut producer = endless_producer(&rig, &[]);
    limit_files(&handler, "3:");
    broker.close_all_connections("a test closes them");
    handler.wait_for_log("Too many open files", HEALING);
    std::thread::sleep(Duration::from_secs(3));
    assert!(handler.runs(), "it waits for better times\n{}", handler.log());
    limit_files(&handler, "1024:");
    resumes(&rig, &broker, 1, Instant::now());
    end(&mut producer);
    let record = rig.settle(Effects::AtLeastOnce);
    explains_duplicates(&record, 1);
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// Sets the soft limit of a process's open files.
fn limit_files(process: &Process, limit: &str) {
    let set = Command::new("prlimit").arg(format!("--pid={}", process.id())).arg(format!("--nofile={limit}")).status();
    assert!(set.is_ok_and(|status| status.success()), "prlimit of util-linux can't be run");
}
