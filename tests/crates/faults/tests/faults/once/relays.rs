//! Relays that are not answered, and relays that die.

use std::collections::BTreeMap;

use swit_faults::{once::Entered, rig::HEALING};
use swit_testbed::{Proxy, proxy::Direction};

use super::{
    Ground, Kind,
    ground::{DUPLICATE, TALKATIVE, WATCH, end, once},
    on_both,
};
use crate::{ground::Foreign, steps};

on_both! {
    a_lost_confirmation_is_published_again_under_the_same_id;
    what_a_dead_relay_had_is_published_in_order_by_another;
}

/// Only others relay.
const NO_RELAY: &str = "relay = false";

/// Fault 8: once what is published arrives and its confirmation is lost, once neither arrives.
fn a_lost_confirmation_is_published_again_under_the_same_id(kind: Kind) {
    const KEPT: &str = "could not be published from the outbox; it stays there";
    let ground = Ground::start(kind);
    let service = ground.started("once", NO_RELAY, &[TALKATIVE]);
    let proxy = Proxy::start(("127.0.0.1", ground.broker.port()));
    let relay = ground.started("relay", "", &[("FAULTY_URL", &proxy.url()), ("FAULTY_CONFIRM_TIMEOUT", "2")]);
    let mut producer = ground.endless_producer();
    for directions in [&[Direction::ToClient][..], &Direction::BOTH] {
        ground.goes_on(20);
        let kept = ground.said(KEPT);
        for direction in directions {
            proxy.swallow(*direction);
        }
        ground.wait_until("the outcome is unknown", HEALING, || ground.said(KEPT) > kept);
        proxy.heal();
        proxy.cut();
    }
    ground.goes_on(20);
    steps::end(&mut producer);
    ground.settle();
    assert!(ground.said(DUPLICATE) > 0, "the broker had taken those whose confirmations were lost");
    end(relay);
    end(service);
}

/// Fault 33: two relays, of which one dies with publications that are confirmed and not removed.
fn what_a_dead_relay_had_is_published_in_order_by_another(kind: Kind) {
    let ground = Ground::start(kind);
    let service = ground.started("once", NO_RELAY, &[]);
    let watcher = ground.block_on(async {
        let foreign = Foreign::connect(&ground.broker.url()).await;
        foreign.queue(WATCH, &[]).await;
        foreign.bind(WATCH, "swit.events", "fault.entered").await;
        foreign
    });
    let mut doomed = ground.started("relay", "", &[("SWIT_FAILPOINT", "before_removal:20")]);
    let relay = ground.started("relay", "", &[]);
    ground.wait_until("both have a share", HEALING, || {
        ground.number("SELECT count(DISTINCT relay) FROM swit_partition WHERE relay <> ''") == Some(2)
    });
    let mut producer = ground.committing(0, 1_000_000, NO_RELAY, &[("FAULTY_PAUSE_MS", "2")]);
    assert!(!doomed.wait(HEALING).success(), "it was to crash");
    let begun = ground.count("produced");
    ground.wait_until("a backlog builds up", HEALING, || ground.count("produced") > begun + 200);
    steps::end(&mut producer);
    ground.drain();
    let (record, produced) = (ground.rig.record(), ground.rows("produced").unwrap());
    once("produced", &produced, &record.confirmed, &record.attempted);
    let committed = produced.keys().cloned().collect();
    once("followed", &ground.rows("followed").unwrap(), &committed, &committed);

    let published = ground.broker.queue_depth(WATCH).unwrap();
    let mut last = BTreeMap::new();
    let mut repeated = Vec::new();
    for _ in 0..published {
        let message = ground.block_on(watcher.take(WATCH));
        let Entered { number, key } = serde_json::from_slice(&message.delivery.data).unwrap();
        let seen: &mut Vec<u64> = last.entry(key).or_default();
        if seen.contains(&number) {
            repeated.push(number);
            continue;
        }
        assert!(seen.last().is_none_or(|last| *last < number), "out of order: {number} behind {seen:?}");
        seen.push(number);
    }
    assert_eq!(last.values().map(Vec::len).sum::<usize>(), produced.len());
    assert!(!repeated.is_empty(), "what the dead one had not removed is published again");
    end(relay);
    end(service);
}
