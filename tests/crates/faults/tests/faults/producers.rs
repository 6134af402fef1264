//! Producers that are killed, and producers that are not answered.

use std::time::{Duration, Instant};

use rand::RngExt as _;
use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::{Broker, Proxy, ledger::Effects, proxy::Direction};

use crate::{
    rig,
    steps::{end, endless_producer, explains_duplicates, resumes, seeded},
};

/// Fault 2: killed in the middle of a batch, and its link with it, so that what the system would still send is gone too.
#[test]
fn a_producer_killed_in_a_batch_loses_and_invents_nothing() {
    seeded("a_producer_killed_in_a_batch_loses_and_invents_nothing", |seed| {
        const BATCH: u64 = 2_000;
        let mut rng = seed.rng();
        let broker = Broker::start();
        let rig = rig(broker.url());
        let mut handler = rig.handler(&[]);
        for turn in 0..4 {
            let proxy = Proxy::start(("127.0.0.1", broker.port()));
            proxy.delay(Direction::ToBroker, Duration::from_millis(100), Duration::from_millis(50), seed.get());
            let before = rig.record();
            let mut producer = rig.producer(turn * BATCH, BATCH, &[Conduct::Succeed], &[("FAULTY_URL", &proxy.url())]);
            let kill_at = rng.random_range(70..600);
            rig.wait_until("the batch is on its way", HEALING, |record| {
                record.attempted.len() >= before.attempted.len() + kill_at
                    && record.confirmed.len() > before.confirmed.len()
            });
            producer.kill();
            proxy.cut();
            let attempted = rig.record().attempted.len() - before.attempted.len();
            assert!((attempted as u64) < BATCH, "it was to be killed in the middle");
        }
        let record = rig.settle(Effects::AtLeastOnce);
        assert!(record.attempted.len() > record.confirmed.len(), "some were on their way");
        // Nobody published twice, and no handler was interrupted.
        assert!(record.effects.values().all(|times| *times == 1), "C: {:?}", record.effects);
        handler.signal("TERM");
        assert!(handler.wait(HEALING).success());
    });
}

/// Fault 8: the broker takes what is published, and its confirmations are lost.
#[test]
fn a_lost_confirmation_is_an_unknown_outcome() {
    seeded("a_lost_confirmation_is_an_unknown_outcome", |seed| {
        let mut rng = seed.rng();
        let broker = Broker::start();
        let rig = rig(broker.url());
        let mut handler = rig.handler(&[]);
        let proxy = Proxy::start(("127.0.0.1", broker.port()));
        let mut producer = endless_producer(&rig, &[("FAULTY_URL", &proxy.url())]);
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(rng.random_range(100..800)));
            let unknown = rig.record().unknown.len();
            proxy.swallow(Direction::ToClient);
            rig.wait_until("the outcome is unknown", HEALING, |record| record.unknown.len() > unknown);
            proxy.heal();
            proxy.cut();
            let confirmed = rig.record().confirmed.len();
            rig.wait_until("publishing goes on", HEALING, |record| record.confirmed.len() > confirmed + 10);
        }
        end(&mut producer);
        let record = rig.settle(Effects::AtLeastOnce);
        assert_eq!(record.attempted, record.confirmed, "each was tried again under its own id until it was confirmed");
        let twice: Vec<_> = record.effects.iter().filter(|(_, times)| **times > 1).map(|(id, _)| id).collect();
        assert!(!twice.is_empty(), "the broker had taken those whose confirmations were lost");
        assert!(twice.iter().all(|id| record.unknown.contains(*id)), "C: only those may come twice: {twice:?}");
        explains_duplicates(&record, 2);
        resumes(&rig, &broker, 1, Instant::now());
        handler.signal("TERM");
        assert!(handler.wait(HEALING).success());
    });
}
