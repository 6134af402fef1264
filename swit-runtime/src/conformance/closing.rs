//! The ends of subscriptions and of the transport, and what outlives them.

use super::{
    Rig,
    rig::{body, got, next, next_of, nothing, soon, start_next, take, take_many, until},
};
use crate::{
    error::PublishError,
    transport::{Publication, SubscribeOptions, Verdict},
};

/// Messages wait in a queue from its declaration on, whether or not anybody consumes.
pub async fn a_late_worker_sees_old_messages(rig: Rig) {
    rig.declare_one().await;
    rig.publish_each("t", &["1", "2", "3"]).await;
    let subscription = rig.subscribe("q", 10).await;
    assert_eq!(take_many(&subscription, 3).await, ["1", "2", "3"]);
}

/// A closed subscription answers `None`, to those who waited already too.
pub async fn closing_ends_polls(rig: Rig) {
    rig.declare_one().await;
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 10).with_workers(3);
    let subscription = rig.subscribe_with(options).await;
    let mut waiting = Vec::new();
    for worker in 0..3 {
        waiting.push(start_next(&subscription, worker).await);
    }
    subscription.close();
    for worker in waiting {
        assert!(got(worker).await.is_none());
    }
    rig.publish_each("t", &["unseen"]).await;
    assert!(next_of(&subscription, 0).await.is_none());
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take(&subscription).await, "unseen");
}

/// What was handed out before closing can be acknowledged and requeued after it.
pub async fn closing_leaves_deliveries_to_be_settled(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 3).await;
    rig.publish_each("t", &["1", "2", "3", "4"]).await;
    let held = [next(&subscription).await, next(&subscription).await, next(&subscription).await];
    subscription.close();
    assert!(next_of(&subscription, 0).await.is_none());
    let [one, two, three] = held;
    one.settle(Verdict::Ack);
    two.settle(Verdict::Requeue);
    three.settle(Verdict::Ack);
    drop(subscription);
    let subscription = rig.subscribe("q", 1).await;
    let mut bodies = take_many(&subscription, 2).await;
    bodies.sort_unstable();
    assert_eq!(bodies, ["2", "4"]);
    nothing(&subscription).await;
}

/// The next subscription goes on where the last one stopped. What the last one had fetched ahead goes back while the next one
/// takes what is behind it already, so that their order is not asked for.
pub async fn resubscribing_continues(rig: Rig) {
    rig.declare_one().await;
    rig.publish_each("t", &["1", "2", "3", "4"]).await;
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take_many(&subscription, 2).await, ["1", "2"]);
    subscription.close();
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["5"]).await;
    let mut bodies = take_many(&subscription, 3).await;
    bodies.sort_unstable();
    assert_eq!(bodies, ["3", "4", "5"]);
    nothing(&subscription).await;
}

/// A subscription that is dropped, and its deliveries with it: all of them are delivered again.
pub async fn a_dropped_subscription_gives_back(rig: Rig) {
    rig.declare_one().await;
    rig.publish_each("t", &["1", "2", "3"]).await;
    let subscription = rig.subscribe("q", 2).await;
    let held = [next(&subscription).await, next(&subscription).await];
    drop(subscription);
    drop(held);
    let subscription = rig.subscribe("q", 1).await;
    let mut bodies = take_many(&subscription, 3).await;
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2", "3"]);
}

/// A queue that belongs to its instance goes away with the instance's subscription.
pub async fn an_exclusive_queue_goes_away(rig: Rig) {
    let queue = rig.queue("q", "t").with_exclusive();
    rig.declare(std::slice::from_ref(&queue)).await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1"]).await;
    assert_eq!(take(&subscription).await, "1");
    subscription.close();
    drop(subscription);
    until("gone", async || {
        let addressed = Publication::new(rig.message("t", "2")).to(rig.to_queue("q"));
        matches!(rig.try_publish(addressed).await, Err(PublishError::Unrouted { .. }))
    })
    .await;
    rig.declare(&[queue]).await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["3"]).await;
    assert_eq!(take(&subscription).await, "3", "it is a new queue");
}

/// With a single active consumer the first gets everything until it closes, then the next does.
pub async fn a_single_active_consumer_gets_all(rig: Rig) {
    rig.declare(&[rig.queue("q", "t").with_single_active()]).await;
    let (first, second) = (rig.subscribe("q", 1).await, rig.subscribe("q", 1).await);
    rig.publish_each("t", &["1", "2", "3", "4"]).await;
    let held = next(&first).await;
    assert_eq!(body(&held), "1");
    nothing(&second).await;
    held.settle(Verdict::Ack);
    assert_eq!(take(&first).await, "2");
    let waiting = start_next(&second, 0).await;
    first.close();
    let Some(third) = got(waiting).await else { panic!("closed") };
    assert_eq!(body(&third), "3");
    third.settle(Verdict::Ack);
    assert_eq!(take(&second).await, "4");
}

/// A closed transport takes nothing and hands nothing out, and what is still held does no harm.
pub async fn a_closed_transport_refuses(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 10).await;
    rig.publish_each("t", &["1", "2"]).await;
    let held = next(&subscription).await;
    soon(rig.transport.close()).await;
    until("ended", async || next_of(&subscription, 0).await.is_none()).await;
    let answer = rig.try_publish(Publication::new(rig.message("t", "3"))).await;
    assert!(matches!(answer, Err(PublishError::Closed)), "{answer:?}");
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 1);
    assert!(soon(rig.transport.subscribe(options)).await.is_err());
    held.settle(Verdict::Ack);
    soon(rig.transport.close()).await;
}
