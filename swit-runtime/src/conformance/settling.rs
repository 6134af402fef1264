//! Verdicts, deliveries that come back, and prefetch.

use super::{
    Rig,
    rig::{body, next, nothing, take, take_many},
};
use crate::transport::{Queue, SubscribeOptions, Verdict};

/// An acknowledged delivery does not come again, not even to the next subscription.
pub async fn acknowledged_deliveries_stay_away(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1"]).await;
    assert_eq!(take(&subscription).await, "1");
    subscription.close();
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["2"]).await;
    assert_eq!(take(&subscription).await, "2");
    nothing(&subscription).await;
}

/// A delivery that is dropped unsettled is delivered again.
pub async fn dropped_deliveries_come_back(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1"]).await;
    drop(next(&subscription).await);
    assert_eq!(take(&subscription).await, "1");
    nothing(&subscription).await;
}

/// Each time that a delivery is dropped counts.
pub async fn redeliveries_are_counted(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1", "2"]).await;
    for expected in 0..4 {
        let delivery = next(&subscription).await;
        assert_eq!((body(&delivery).as_str(), delivery.redeliveries), ("1", expected));
    }
    assert_eq!(take(&subscription).await, "1");
    let delivery = next(&subscription).await;
    assert_eq!((body(&delivery).as_str(), delivery.redeliveries), ("2", 0));
    delivery.settle(Verdict::Ack);
}

/// Requeueing is not a redelivery that counts against the message.
pub async fn requeueing_is_not_counted(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1"]).await;
    drop(next(&subscription).await);
    for _ in 0..3 {
        let delivery = next(&subscription).await;
        assert_eq!(delivery.redeliveries, 1, "as often as it was dropped");
        delivery.settle(Verdict::Requeue);
    }
    assert_eq!(take(&subscription).await, "1");
}

/// A requeued delivery is the next one, before all that came after it.
pub async fn requeued_deliveries_come_back_first(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1", "2", "3"]).await;
    for _ in 0..3 {
        let delivery = next(&subscription).await;
        assert_eq!(body(&delivery), "1");
        delivery.settle(Verdict::Requeue);
    }
    assert_eq!(take_many(&subscription, 3).await, ["1", "2", "3"]);
}

/// A rejected delivery goes to its queue's dead-letter queue, whole.
pub async fn rejected_deliveries_are_dead_lettered(rig: Rig) {
    let queues = [rig.queue("q", "t").with_dead_letter(rig.name("dlq")), Queue::dead_letter(rig.name("dlq"))];
    rig.declare(&queues).await;
    let (subscription, dead) = (rig.subscribe("q", 1).await, rig.subscribe("dlq", 1).await);
    rig.publish_each("t", &["good", "bad", "good"]).await;
    assert_eq!(take(&subscription).await, "good");
    let delivery = next(&subscription).await;
    let id = delivery.message().id.clone();
    delivery.settle(Verdict::Reject);
    assert_eq!(take(&subscription).await, "good");
    let letter = next(&dead).await;
    assert_eq!((body(&letter).as_str(), &letter.message().id), ("bad", &id));
    assert_eq!(letter.message().topic, rig.name("t"), "a dead letter keeps its topic");
    letter.settle(Verdict::Ack);
    nothing(&subscription).await;
}

/// A rejected delivery of a queue without a dead-letter queue is gone.
pub async fn rejected_deliveries_without_dead_letter_queue_are_forgotten(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["bad", "good"]).await;
    next(&subscription).await.settle(Verdict::Reject);
    assert_eq!(take(&subscription).await, "good");
    nothing(&subscription).await;
}

/// Without acknowledgement, deliveries are done with when they are handed out, and prefetch holds nothing back.
pub async fn no_ack_needs_no_verdict(rig: Rig) {
    rig.declare_one().await;
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 1).with_no_ack();
    let subscription = rig.subscribe_with(options).await;
    rig.publish_each("t", &["1", "2", "3", "4"]).await;
    let held = [next(&subscription).await, next(&subscription).await];
    next(&subscription).await.settle(Verdict::Requeue);
    assert_eq!(held.each_ref().map(body), ["1", "2"]);
    drop(held);
    assert_eq!(take(&subscription).await, "4", "neither a drop nor a verdict brought one back");
    nothing(&subscription).await;
}

/// No more deliveries are out than the prefetch says.
pub async fn prefetch_is_respected(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 3).await;
    rig.publish_each("t", &["1", "2", "3", "4", "5"]).await;
    let held = [next(&subscription).await, next(&subscription).await, next(&subscription).await];
    nothing(&subscription).await;
    assert_eq!(held.each_ref().map(body), ["1", "2", "3"]);
    for delivery in held {
        delivery.settle(Verdict::Ack);
    }
    assert_eq!(take_many(&subscription, 2).await, ["4", "5"]);
}

/// Each way to settle lets the next delivery come to a worker that waits for it.
pub async fn settling_frees_prefetch(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1", "2", "3"]).await;
    for verdict in [Verdict::Ack, Verdict::Reject] {
        let held = next(&subscription).await;
        let waiting = {
            let subscription = subscription.clone();
            tokio::spawn(async move { next(&subscription).await })
        };
        // Whether or not the worker has begun to wait by now, it gets the next one.
        tokio::task::yield_now().await;
        held.settle(verdict);
        match waiting.await {
            // Back to its place, for the next round.
            Ok(delivery) => delivery.settle(Verdict::Requeue),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(take(&subscription).await, "3");
}
