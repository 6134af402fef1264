//! Declaring: what is there, what is asked for, and where they differ.

use super::{
    Rig,
    rig::{soon, take},
};
use crate::transport::{Publication, Queue, SubscribeOptions};

/// A queue that was never declared can't be subscribed to.
pub async fn subscribing_to_a_missing_queue_is_an_error(rig: Rig) {
    let answer = soon(rig.transport.subscribe(SubscribeOptions::new(rig.name("missing"), "conformance", 1))).await;
    assert!(answer.is_err());
}

/// A queue of somebody else's topology is neither made nor bound, and must be there.
pub async fn an_existing_queue_must_exist(rig: Rig) {
    assert!(soon(rig.transport.declare(&[Queue::existing(rig.name("q"))])).await.is_err());
    rig.declare_one().await;
    rig.declare(&[Queue::existing(rig.name("q"))]).await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["still bound"]).await;
    assert_eq!(take(&subscription).await, "still bound");
}

/// The same declaration again, with messages in the queue.
pub async fn declaring_alike_changes_nothing(rig: Rig) {
    let queues = [rig.queue("q", "t").with_dead_letter(rig.name("dlq")), Queue::dead_letter(rig.name("dlq"))];
    rig.declare(&queues).await;
    rig.publish_each("t", &["before"]).await;
    rig.declare(&queues).await;
    rig.publish_each("t", &["after"]).await;
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take(&subscription).await, "before");
    assert_eq!(take(&subscription).await, "after");
}

/// A declaration that differs is refused and changes nothing.
pub async fn declaring_otherwise_is_an_error(rig: Rig) {
    rig.declare_one().await;
    let other = rig.queue("q", "t").with_single_active();
    let Err(error) = soon(rig.transport.declare(&[other])).await else { panic!("it was accepted") };
    assert!(error.to_string().contains(&*rig.name("q")), "the error names the queue: {error}");
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["still there"]).await;
    assert_eq!(take(&subscription).await, "still there");
}

/// A dead-letter queue that is only named exists too.
pub async fn declaring_names_the_dead_letter_queue(rig: Rig) {
    rig.declare(&[rig.queue("q", "t").with_dead_letter(rig.name("dlq"))]).await;
    rig.publish(Publication::new(rig.message("t", "copy")).to(rig.to_queue("dlq"))).await;
    let subscription = rig.subscribe("dlq", 1).await;
    assert_eq!(take(&subscription).await, "copy");
}
