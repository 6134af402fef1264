//! Deliveries that are held for longer than the broker allows.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{Ack, Event, Metadata, State, subscriber};
use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::Broker;

use crate::{
    ground::{self, Tally, until},
    rig,
};

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

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "kept.work", version = 1)]
struct Kept {
    number: u32,
}

/// What a handler keeps without settling it.
#[derive(Debug, Default)]
struct Keeper {
    kept: Mutex<Vec<Ack>>,
    done: Tally,
}

/// Keeps the first, and lets all others pass.
#[subscriber(topic = "kept.work", ack = "manual", timeout = "1s", prefetch = 16)]
async fn keep_the_first(work: Kept, meta: Metadata, ack: Ack, keeper: State<Keeper>) {
    if work.number == 0 && meta.redeliveries == 0 {
        keeper.kept.lock().unwrap().push(ack);
    } else {
        keeper.done.add(format!("{} {}", work.number, meta.redeliveries));
        ack.ack();
    }
}

/// Fault 19, where the limit is known: what is held for nine tenths of it is given back before the broker gets angry, also
/// while others come all the time. What its holder says later reaches nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_given_back_before_the_broker_closes_its_channel() {
    let broker = impatient(8_000);
    let keeper = Arc::new(Keeper::default());
    let mut options = ground::options(&broker.url(), "kept");
    options.ack_limit = Duration::from_secs(6);
    let transport = ground::transport(options);
    let app = ground::app::<(keep_the_first,)>("kept", &transport).provide_shared(keeper.clone());
    let running = app.start().await.unwrap();
    let publisher = running.publisher().unwrap();
    let is_back = || keeper.done.all().contains_key("0 1");
    let began = Instant::now();
    let mut number = 0;
    while !is_back() {
        assert!(began.elapsed() < Duration::from_secs(20), "it is not given back");
        publisher.publish(&Kept { number }).await.unwrap();
        number += 1;
    }
    until("the others are done", || keeper.done.len() == number as usize).await;
    assert_eq!(keeper.done.total(), keeper.done.len(), "once each");
    assert_eq!(keeper.done.all().into_keys().filter(|done| !done.ends_with(" 0")).collect::<Vec<_>>(), ["0 1"]);
    keeper.kept.lock().unwrap().pop().unwrap().ack();
    until("nothing is left", || broker.queue_depth("kept.keep-the-first") == Some(0)).await;
    running.shutdown().await.unwrap();
}
