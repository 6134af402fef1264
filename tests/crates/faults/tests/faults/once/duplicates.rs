//! Messages that come more than once.

use swit_faults::{Conduct, rig::HEALING};

use super::{
    Ground, Kind,
    ground::{DUPLICATE, TALKATIVE, end},
    on_both,
};

on_both! {
    what_comes_three_times_is_done_once;
}

/// Fault 28: each id three times at once, and eight consumers in two processes.
fn what_comes_three_times_is_done_once(kind: Kind) {
    const IDS: u64 = 150;
    let ground = Ground::start(kind);
    let four = "[subscriber.enter]\nconcurrency = 4\n[subscriber.follow]\nconcurrency = 4";
    let services = [(); 2].map(|()| ground.started("once", four, &[TALKATIVE]));
    let producers = [(); 3].map(|()| ground.rig.producer(0, IDS, &[Conduct::Succeed], &[]));
    for mut producer in producers {
        assert!(producer.wait(HEALING).success(), "{}", producer.log());
    }
    let record = ground.settle();
    assert_eq!(record.confirmed.len() as u64, IDS);
    assert!(ground.said(DUPLICATE) as u64 >= 2 * IDS, "each came three times: {}", ground.said(DUPLICATE));
    services.into_iter().for_each(end);
}
