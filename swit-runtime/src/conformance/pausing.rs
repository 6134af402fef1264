//! Subscriptions that are paused, and queues that are taken back.

use super::{
    Rig,
    rig::{body, got, next, nothing, soon, start_next, take, take_many, until},
};
use crate::{
    error::PublishError,
    transport::{Deleted, Publication, SubscribeOptions, Verdict},
};

/// A paused subscription holds nothing that it has not handed out: another one gets all of it. What is out is settled all
/// the same, and when it is resumed it takes its share again.
pub async fn pausing_gives_back_what_is_not_out(rig: Rig) {
    rig.declare_one().await;
    let paused = rig.subscribe("q", 100).await;
    rig.publish_each("t", &["1", "2", "3", "4", "5"]).await;
    let held = next(&paused).await;
    paused.pause();
    paused.pause();
    let other = rig.subscribe("q", 1).await;
    let mut others = take_many(&other, 4).await;
    others.sort_unstable();
    assert_eq!(others, ["2", "3", "4", "5"]);
    assert_eq!(body(&held), "1");
    held.settle(Verdict::Ack);
    nothing(&other).await;
    other.close();
    drop(other);
    rig.publish_each("t", &["6"]).await;
    paused.resume();
    paused.resume();
    assert_eq!(take(&paused).await, "6");
    nothing(&paused).await;
}

/// A worker that waits is woken when its subscription is resumed, again and again; order is kept.
pub async fn resuming_wakes_those_who_wait(rig: Rig) {
    rig.declare(&[rig.queue("q", "t").with_single_active()]).await;
    let subscription = rig.subscribe_with(SubscribeOptions::new(rig.name("q"), "conformance", 10).with_ordered()).await;
    let mut waiting = start_next(&subscription, 0).await;
    for round in 0..3 {
        subscription.pause();
        let [first, second] = [format!("{round}a"), format!("{round}b")];
        rig.publish_each("t", &[&first, &second]).await;
        subscription.resume();
        let Some(delivery) = got(waiting).await else { panic!("closed") };
        assert_eq!(body(&delivery), first);
        delivery.settle(Verdict::Ack);
        assert_eq!(take(&subscription).await, second);
        waiting = start_next(&subscription, 0).await;
    }
    subscription.pause();
    subscription.close();
    assert!(got(waiting).await.is_none());
}

/// A queue goes when nobody consumes it, with messages only when told, and its dead letters stay.
pub async fn a_queue_is_withdrawn(rig: Rig) {
    let queue = rig.queue("q", "t").with_dead_letter(rig.name("q.dlq"));
    rig.declare(std::slice::from_ref(&queue)).await;
    let letter = Publication::new(rig.message("t", "dead")).to(rig.to_queue("q.dlq"));
    rig.publish(letter).await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["1", "2"]).await;
    assert_eq!(take(&subscription).await, "1");
    subscription.pause();
    subscription.close();
    drop(subscription);
    until("told what it holds", async || match soon(rig.transport.withdraw(&queue, false)).await {
        Ok(Deleted::HoldsMessages(1)) => true,
        Ok(Deleted::IsConsumed | Deleted::HoldsMessages(_)) => false,
        other => panic!("{other:?}"),
    })
    .await;
    // It was put back as it was.
    rig.publish_each("t", &["3"]).await;
    let gone = soon(rig.transport.withdraw(&queue, true)).await;
    assert!(matches!(gone, Ok(Deleted::Gone(2))), "{gone:?}");
    let again = soon(rig.transport.withdraw(&queue, false)).await;
    assert!(matches!(again, Ok(Deleted::Gone(0))), "{again:?}");
    let addressed = Publication::new(rig.message("t", "4")).to(rig.to_queue("q"));
    let answer = rig.try_publish(addressed).await;
    assert!(matches!(answer, Err(PublishError::Unrouted { .. })), "{answer:?}");
    let letters = rig.subscribe("q.dlq", 1).await;
    assert_eq!(take(&letters).await, "dead");
    // Under its name another queue may be made.
    rig.declare(&[rig.queue("q", "u").with_dead_letter(rig.name("q.dlq"))]).await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish_each("u", &["5"]).await;
    assert_eq!(take(&subscription).await, "5");
}
