//! Servers that are lost around a commit.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use swit_testbed::Proxy;

use super::{
    Ground, Kind,
    ground::{DUPLICATE, TALKATIVE, configuration, end},
};
use crate::steps::{self, seeded};

/// The number of the first probe.
const PROBES: u64 = 2_000_000;

/// Fault 32: the link to the database is cut before a commit arrives, and behind one whose answer is lost.
#[test]
fn a_commit_that_is_not_answered_is_done_once() {
    const TIMES: usize = 6;
    let ground = Ground::start(Kind::Postgres);
    let proxy = Proxy::start(("127.0.0.1", ground.postgres().port()));
    let configuration = configuration(&ground.postgres().url_through(proxy.addr().port()), "");
    let service = ground.service(&[("FAULTY_CONFIGURATION", &configuration), TALKATIVE]);
    let mut producer = ground.endless_producer();
    for turn in 0..2 * TIMES {
        if turn % 2 == 0 {
            proxy.cut_before(b"COMMIT");
        } else {
            proxy.cut_behind(b"COMMIT");
        }
        ground.wait_until("a commit is cut", Duration::from_secs(30), || !proxy.is_waiting_to_cut());
        ground.goes_on(10);
    }
    steps::end(&mut producer);
    ground.settle();
    let (lost, known) = (ground.said("was lost, or could not be had, while committing"), ground.said(DUPLICATE));
    assert!(lost >= 2 * TIMES, "each was noticed: {lost}");
    assert!(known >= TIMES, "each that was committed was known when it came again: {known}");
    end(service);
}

/// Fault 32: the server crashes under load, so many times.
fn crashes(test: &str, times: u64) {
    seeded(test, |seed| {
        let mut rng = seed.rng();
        let ground = Ground::start(Kind::Postgres);
        let service = ground.service(&[]);
        let mut producer = ground.endless_producer();
        ground.goes_on(20);
        for turn in 0..times {
            std::thread::sleep(Duration::from_millis(rng.random_range(0..1_000)));
            ground.postgres().crash();
            std::thread::sleep(Duration::from_millis(rng.random_range(0..1_000)));
            ground.postgres().restart();
            ground.resumes(PROBES + turn, Instant::now());
        }
        steps::end(&mut producer);
        ground.settle();
        end(service);
    });
}

#[test]
fn a_server_that_crashes_leaves_everything_done_once() {
    crashes("a_server_that_crashes_leaves_everything_done_once", 2);
}

#[test]
#[ignore = "slow: scripts/soak runs it"]
fn a_server_that_crashes_again_and_again_leaves_everything_done_once() {
    crashes("a_server_that_crashes_again_and_again_leaves_everything_done_once", 20);
}
