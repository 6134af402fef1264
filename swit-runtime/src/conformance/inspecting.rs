//! What a transport tells of its queues.

use std::sync::Arc;

use tokio::time::timeout;

use super::{
    Rig,
    rig::{SILENCE, next, soon, take_many},
};
use crate::transport::{Inspect, Publication, Queue, Verdict};

fn inspect(rig: &Rig) -> &dyn Inspect {
    match rig.transport.inspect() {
        Some(inspect) => inspect,
        None => panic!("the transport claims `inspect`"),
    }
}

/// The depth is what is ready and what is out.
pub async fn depth_counts_ready_and_unsettled(rig: Rig) {
    rig.declare_one().await;
    let depth = || inspect(&rig).depth(&rig.name("q"));
    assert_eq!(inspect(&rig).depth(&rig.name("missing")), None);
    rig.publish_each("t", &["1", "2"]).await;
    assert_eq!(depth(), Some(2));
    let subscription = rig.subscribe("q", 1).await;
    let held = next(&subscription).await;
    assert_eq!(depth(), Some(2));
    held.settle(Verdict::Ack);
    assert_eq!(depth(), Some(1));
}

/// Browsing copies what lies ready, in order, and takes nothing.
pub async fn browsing_takes_nothing(rig: Rig) {
    rig.declare_one().await;
    rig.publish_each("t", &["1", "2", "3"]).await;
    let bodies: Vec<_> = inspect(&rig).browse(&rig.name("q"), 2).into_iter().map(|message| message.payload).collect();
    assert_eq!(bodies, ["1", "2"]);
    assert!(inspect(&rig).browse(&rig.name("missing"), 2).is_empty());
    let subscription = rig.subscribe("q", 10).await;
    assert_eq!(take_many(&subscription, 3).await, ["1", "2", "3"]);
}

/// Queues are listed by name, dead-letter queues among them.
pub async fn queues_are_listed(rig: Rig) {
    rig.declare(&[rig.queue("b", "t"), rig.queue("a", "t"), Queue::dead_letter(rig.name("c"))]).await;
    let own = rig.name("");
    let mut listed = inspect(&rig).queues();
    listed.retain(|name| name.starts_with(&*own));
    assert_eq!(listed, ["a", "b", "c"].map(|name| rig.name(name)));
}

/// Quiet comes when all that is consumed is settled; what nobody consumes does not matter.
pub async fn quiet_waits_for_settlement(rig: Rig) {
    rig.declare(&[rig.queue("q", "t"), rig.queue("unread", "t"), Queue::dead_letter(rig.name("dlq"))]).await;
    soon(inspect(&rig).quiet()).await;
    let subscription = rig.subscribe("q", 10).await;
    rig.publish_each("t", &["1", "2"]).await;
    rig.publish(Publication::new(rig.message("t", "copy")).to(rig.to_queue("dlq"))).await;
    let held = [next(&subscription).await, next(&subscription).await];
    let transport = Arc::clone(&rig.transport);
    let mut quiet = tokio::spawn(async move {
        if let Some(inspect) = transport.inspect() {
            inspect.quiet().await;
        }
    });
    assert!(timeout(SILENCE, &mut quiet).await.is_err(), "two are out");
    let [one, two] = held;
    one.settle(Verdict::Ack);
    two.settle(Verdict::Requeue);
    assert!(timeout(SILENCE, &mut quiet).await.is_err(), "one is ready");
    next(&subscription).await.settle(Verdict::Ack);
    assert!(soon(quiet).await.is_ok());
}
