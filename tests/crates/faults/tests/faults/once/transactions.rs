//! Processes that are killed in the middle of transactions of their own.

use swit_faults::rig::HEALING;

use super::{
    Ground, Kind,
    ground::{end, once},
    on_both,
};

on_both! {
    a_producer_killed_in_its_transactions_publishes_what_it_committed;
}

/// Fault 2: what was committed is published, and nothing else.
fn a_producer_killed_in_its_transactions_publishes_what_it_committed(kind: Kind) {
    const EACH: u64 = 1_000;
    let ground = Ground::start(kind);
    let service = ground.service(&[]);
    let mut first = 0;
    for failpoint in ["before_commit:60", "after_commit:60"] {
        let mut producer = ground.committing(first, EACH, "", &[("SWIT_FAILPOINT", failpoint)]);
        first += EACH;
        assert!(!producer.wait(HEALING).success(), "it was to crash at {failpoint}\n{}", producer.log());
    }
    for kill_at in [40, 90, 140] {
        let before = ground.rig.record().attempted.len();
        let mut producer = ground.committing(first, EACH, "", &[]);
        first += EACH;
        let attempted = || ground.rig.record().attempted.len() - before;
        ground.wait_until("transactions are under way", HEALING, || attempted() >= kill_at);
        producer.kill();
        assert!((attempted() as u64) < EACH, "it was to be killed in the middle");
    }
    ground.drain();
    let (record, produced) = (ground.rig.record(), ground.rows("produced").unwrap());
    once("produced", &produced, &record.confirmed, &record.attempted);
    assert!(produced.len() < record.attempted.len(), "one was killed before its commit");
    assert!(produced.len() > record.confirmed.len(), "one was killed behind its commit");
    let committed = produced.keys().cloned().collect();
    once("followed", &ground.rows("followed").unwrap(), &committed, &committed);
    end(service);
}
