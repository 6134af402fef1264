//! Deliveries that are held for longer than the broker allows.

use std::time::Duration;

use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::Broker;

use crate::rig;

/// A broker that closes the channel of a delivery that is held for so many milliseconds, and looks every second. The latter
/// is no setting of its file; channels read it when they open.
fn impatient(millis: u32) -> Broker {
    let broker = Broker::options().conf(&format!("consumer_timeout = {millis}")).start();
    broker.eval("application:set_env(rabbit, channel_tick_interval, 1000)");
    broker
}

/// Fault 19: the broker closes the channel of a handler that takes too long. All others are done soon, over a new
/// channel; what the slow handler says of its delivery reaches nobody, and breaks nothing.
#[test]
fn a_handler_that_takes_too_long_costs_its_channel_and_nothing_else() {
    let broker = impatient(5_000);
    let rig = rig(broker.url());
    let handler = rig.handler(&[]);
    // One that takes longer than is allowed, then others that come while it is at it.
    rig.producer(0, 1, &[Conduct::SucceedAfter(10_000)], &[]).wait(HEALING);
    rig.producer(1, 60, &[Conduct::SucceedAfter(50)], &[("FAULTY_PAUSE_MS", "150")]).wait(HEALING);
    handler.wait_for_log("consuming was interrupted", Duration::from_secs(20));
    let log = handler.log();
    assert!(log.contains("PRECONDITION_FAILED"), "the broker says why: {log}");
    rig.wait_until("the others are done", Duration::from_secs(30), |record| {
        (1..61).all(|number| record.effects.contains_key(&format!("work-{number}")))
    });
    rig.wait_until("the slow one is done", Duration::from_secs(30), |record| record.effects.contains_key("work-0"));
    // Its verdict came too late: it is not told to the new channel, which would be a channel error of another kind.
    let log = handler.log();
    assert!(!log.contains("unknown delivery tag"), "{log}");
    let queue = broker.queue("faults.handle").unwrap();
    // Beside it, a quorum queue counts a consumer that was cancelled for as long as its last delivery is held.
    assert!((1..=2).contains(&queue.consumers), "it is registered again: {queue:?}");
    assert!(queue.depth() <= 1, "the slow one comes again, and nothing else");
}

/// Fault 19, where the limit is known: what is held for half of it is given back before the broker gets angry.
#[test]
fn a_delivery_is_given_back_before_the_broker_closes_its_channel() {
    let broker = impatient(8_000);
    let rig = rig(broker.url());
    let handler = rig.handler(&[("FAULTY_ACK_LIMIT", "6")]);
    rig.producer(0, 1, &[Conduct::SucceedAfter(7_000)], &[]).wait(HEALING);
    handler.wait_for_log("is given back", Duration::from_secs(20));
    rig.producer(1, 20, &[Conduct::Succeed], &[]).wait(HEALING);
    rig.wait_until("all are done", Duration::from_secs(30), |record| {
        (0..21).all(|number| record.effects.contains_key(&format!("work-{number}")))
    });
    let log = handler.log();
    assert!(!log.contains("PRECONDITION_FAILED") && !log.contains("interrupted"), "{log}");
}
