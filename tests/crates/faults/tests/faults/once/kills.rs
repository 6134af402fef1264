//! Processes that are killed where it hurts most.

use std::time::Duration;

use rand::RngExt as _;
use swit_faults::{Conduct, rig::HEALING};

use super::{Ground, Kind, ground::end, on_both};
use crate::steps::seeded;

on_both! {
    a_service_killed_at_any_point_does_everything_once;
    #[ignore = "slow: scripts/soak runs it"]
    a_service_killed_again_and_again_does_everything_once;
}

/// Faults 1 and 30: killed before the handler, between handler and commit, after the commit, before the acknowledgement, and
/// in the relay between confirmation and removal.
fn a_service_killed_at_any_point_does_everything_once(kind: Kind) {
    const EACH: u64 = 40;
    let ground = Ground::start(kind);
    let points = ["before_handler:20", "before_commit:20", "after_commit:20", "before_ack:20", "before_removal:3"];
    // Queues are there from here on; what the next one finds in them may kill it before it says that it has started.
    end(ground.service(&[]));
    let mut first = 0;
    for failpoint in points {
        let mut service = ground.starting("once", "", &[("SWIT_FAILPOINT", failpoint)]);
        ground.rig.producer(first, EACH, &[Conduct::Succeed], &[]).wait(HEALING);
        first += EACH;
        assert!(!service.wait(HEALING).success(), "it was to crash at {failpoint}");
    }
    let service = ground.service(&[]);
    let record = ground.settle();
    assert_eq!(record.confirmed.len() as u64, first);
    end(service);
}

/// Faults 1 and 30: killed at any moment, under load.
fn a_service_killed_again_and_again_does_everything_once(kind: Kind) {
    const TIMES: usize = 20;
    seeded("a_service_killed_again_and_again_does_everything_once", |seed| {
        let mut rng = seed.rng();
        let ground = Ground::start(kind);
        let mut service = ground.service(&[]);
        let mut producer = ground.endless_producer();
        for _ in 0..TIMES {
            ground.goes_on(1);
            std::thread::sleep(Duration::from_millis(rng.random_range(0..500)));
            service.kill();
            service = ground.service(&[]);
        }
        crate::steps::end(&mut producer);
        ground.settle();
        end(service);
    });
}
