//! Handlers that are killed where it hurts most.

use std::time::Duration;

use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::{Broker, ledger::Effects};

use crate::rig;

/// Fault 1: killed before and after the handler, and before the acknowledgement; fault 30: between a copy and the
/// acknowledgement of its input.
#[test]
fn a_handler_killed_at_any_point_loses_nothing() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let conducts = [Conduct::Succeed, Conduct::Succeed, Conduct::Fail];
    let mut first = 0;
    for failpoint in ["before_handler:20", "after_handler:20", "before_ack:20", "after_copy:5"] {
        let mut handler = rig.handler(&[("SWIT_FAILPOINT", failpoint)]);
        rig.producer(first, 60, &conducts, &[]).wait(HEALING);
        first += 60;
        assert!(!handler.wait(HEALING).success(), "it was to crash at {failpoint}");
    }
    let mut handler = rig.handler(&[]);
    let _gravedigger = rig.gravedigger();
    let record = rig.settle(Effects::AtLeastOnce);
    assert_eq!(record.confirmed.len(), 240);
    assert_eq!(record.dead.len(), 80, "every third fails for good");
    handler.signal("TERM");
    assert!(handler.wait(Duration::from_secs(30)).success());
}
