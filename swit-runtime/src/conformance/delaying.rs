//! Delays and times to live.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{
    Rig,
    rig::{next, take, take_many},
};
use crate::transport::{Publication, Verdict};

/// A delayed message comes when its delay is over, and not before.
pub async fn delayed_messages_wait(rig: Rig) {
    const DELAY: Duration = Duration::from_millis(300);
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 10).await;
    let start = Instant::now();
    rig.publish(Publication::new(rig.message("t", "later")).delayed(DELAY)).await;
    rig.publish_each("t", &["now"]).await;
    assert_eq!(take_many(&subscription, 2).await, ["now", "later"]);
    assert!(start.elapsed() >= DELAY, "it came after {:?}", start.elapsed());
}

/// A message with a short delay does not stand behind one with a long delay that was published first.
pub async fn a_long_delay_holds_up_no_short_one(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 10).await;
    let hour = Duration::from_hours(1);
    rig.publish(Publication::new(rig.message("t", "long")).delayed(hour)).await;
    let short = Duration::from_millis(100);
    rig.publish(Publication::new(rig.message("t", "short")).delayed(short).to(rig.to_queue("q"))).await;
    assert_eq!(take(&subscription).await, "short");
}

/// A delayed copy for one queue is taken by no other, neither at once nor when it is due.
pub async fn delayed_copies_go_to_their_queue_alone(rig: Rig) {
    rig.declare(&[rig.queue("a", "t"), rig.queue("b", "t")]).await;
    let (a, b) = (rig.subscribe("a", 10).await, rig.subscribe("b", 10).await);
    let delay = Duration::from_millis(100);
    rig.publish(Publication::new(rig.message("t", "copy")).delayed(delay).to(rig.to_queue("a"))).await;
    let copy = next(&a).await;
    assert_eq!(copy.message().topic, rig.name("t"), "a copy keeps its topic");
    copy.settle(Verdict::Ack);
    rig.publish_each("t", &["fence"]).await;
    assert_eq!(take(&b).await, "fence");
    assert_eq!(take(&a).await, "fence");
}

/// A message whose time is not over is delivered.
pub async fn messages_in_time_arrive(rig: Rig) {
    rig.declare_one().await;
    let message = rig.message("t", "in time").with_ttl(Duration::from_mins(10));
    rig.publish(Publication::new(message)).await;
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take(&subscription).await, "in time");
}

/// A message that waited longer than it may is not delivered, wherever in the queue it stood.
pub async fn messages_too_late_are_dropped(rig: Rig) {
    const TTL: Duration = Duration::from_millis(100);
    rig.declare_one().await;
    rig.publish_each("t", &["first"]).await;
    for body in ["late", "late"] {
        rig.publish(Publication::new(rig.message("t", body).with_ttl(TTL))).await;
    }
    rig.publish_each("t", &["last"]).await;
    // What is waited for is the time itself.
    sleep_until(Instant::now() + 3 * TTL).await;
    let subscription = rig.subscribe("q", 10).await;
    assert_eq!(take_many(&subscription, 2).await, ["first", "last"]);
}

/// A delayed message whose time to live is shorter than its delay comes when its delay is over, and is gone when its time to
/// live is over after that.
pub async fn a_time_to_live_begins_when_the_delay_is_over(rig: Rig) {
    const DELAY: Duration = Duration::from_millis(400);
    const TTL: Duration = Duration::from_millis(150);
    rig.declare_one().await;
    let mortal = |body| Publication::new(rig.message("t", body).with_ttl(TTL)).delayed(DELAY);
    let start = Instant::now();
    rig.publish(mortal("taken")).await;
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take(&subscription).await, "taken");
    assert!(start.elapsed() >= DELAY, "it came after {:?}", start.elapsed());
    subscription.close();
    rig.publish(mortal("left")).await;
    sleep_until(Instant::now() + DELAY + 3 * TTL).await;
    rig.publish_each("t", &["next"]).await;
    assert_eq!(take(&rig.subscribe("q", 1).await).await, "next");
}
