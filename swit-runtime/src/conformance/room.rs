//! Bounded queues: who waits for room, how long, and in which order.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinHandle, time::timeout};

use super::{
    Rig,
    rig::{SILENCE, next, soon, take},
};
use crate::{
    error::PublishError,
    transport::{Publication, Room, Subscription, Verdict},
};

const SHORT: Duration = Duration::from_millis(50);

/// Publishes to a queue until it is full. How many went in.
async fn fill(rig: &Rig, queue: &str) -> usize {
    for count in 0..1_000_000 {
        let message = rig.message("filler", "filler");
        let filler = Publication::new(message).to(rig.to_queue(queue)).with_room(Room::WaitAtMost(SHORT));
        match rig.try_publish(filler).await {
            Ok(_) => {}
            Err(PublishError::Full { queue: full, .. }) => {
                assert_eq!(full, rig.name(queue));
                return count;
            }
            Err(error) => panic!("{error}"),
        }
    }
    panic!("a million messages fit in: it is not bounded");
}

/// Starts to publish to a topic, waiting for room as long as it takes.
fn start(rig: &Rig, topic: &str, body: &str) -> JoinHandle<()> {
    let (rig, message) = (rig.clone(), rig.message(topic, body));
    tokio::spawn(async move { rig.publish(Publication::new(message)).await })
}

async fn skip(subscription: &Arc<dyn Subscription>, fillers: usize) {
    for _ in 0..fillers {
        assert_eq!(take(subscription).await, "filler");
    }
}

async fn ended(publishing: JoinHandle<()>) {
    if let Err(error) = soon(publishing).await {
        panic!("{error}");
    }
}

/// A publication waits while the queue is full, also while what fills it is out, and goes in when something is settled.
pub async fn a_full_queue_makes_publishers_wait(rig: Rig) {
    rig.declare_one().await;
    let fillers = fill(&rig, "q").await;
    let mut waiting = start(&rig, "t", "waited");
    assert!(timeout(SILENCE, &mut waiting).await.is_err(), "it did not wait");
    let subscription = rig.subscribe("q", 1).await;
    let held = next(&subscription).await;
    assert!(timeout(SILENCE, &mut waiting).await.is_err(), "what is out takes room too");
    held.settle(Verdict::Ack);
    ended(waiting).await;
    skip(&subscription, fillers - 1).await;
    assert_eq!(take(&subscription).await, "waited");
}

/// A publication that may wait a while fails when that is over, and leaves nothing behind.
pub async fn waiting_may_be_bounded(rig: Rig) {
    rig.declare_one().await;
    let fillers = fill(&rig, "q").await;
    let publication = Publication::new(rig.message("t", "refused")).with_room(Room::WaitAtMost(SHORT));
    let answer = rig.try_publish(publication).await;
    assert!(matches!(&answer, Err(PublishError::Full { queue, .. }) if *queue == rig.name("q")), "{answer:?}");
    let subscription = rig.subscribe("q", 1).await;
    skip(&subscription, fillers).await;
    rig.publish_each("t", &["fence"]).await;
    assert_eq!(take(&subscription).await, "fence");
}

/// A copy that takes its input's place goes into a full queue at once.
pub async fn replacing_never_waits(rig: Rig) {
    rig.declare_one().await;
    let fillers = fill(&rig, "q").await;
    let copy = Publication::new(rig.message("t", "copy")).to(rig.to_queue("q")).with_room(Room::Replaces);
    rig.publish(copy).await;
    let subscription = rig.subscribe("q", 1).await;
    skip(&subscription, fillers).await;
    assert_eq!(take(&subscription).await, "copy");
}

/// First come, first served.
pub async fn those_who_wait_are_served_in_order(rig: Rig) {
    const WAITING: usize = 20;
    rig.declare_one().await;
    let fillers = fill(&rig, "q").await;
    let publisher = rig.transport.publisher();
    let waiting: Vec<_> =
        (0..WAITING).map(|number| publisher.publish(Publication::new(rig.message("t", number.to_string())))).collect();
    let answers = tokio::spawn(async move {
        for answer in waiting {
            assert!(soon(answer).await.is_ok());
        }
    });
    let subscription = rig.subscribe("q", 5).await;
    skip(&subscription, fillers).await;
    for number in 0..WAITING {
        assert_eq!(take(&subscription).await, number.to_string());
    }
    ended(answers).await;
}

/// A publication that several queues take waits until all have room, and holds none up meanwhile.
pub async fn a_publication_enters_all_queues_or_none(rig: Rig) {
    rig.declare(&[rig.queue("a", "t"), rig.queue("b", "t"), rig.queue("c", "t")]).await;
    let (a, c) = (rig.subscribe("a", 1).await, rig.subscribe("c", 1).await);
    let fillers = fill(&rig, "b").await;
    let publication = Publication::new(rig.message("t", "refused")).with_room(Room::WaitAtMost(SHORT));
    let answer = rig.try_publish(publication).await;
    assert!(matches!(answer, Err(PublishError::Full { .. })), "{answer:?}");
    let waiting = start(&rig, "t", "waited");
    for queue in ["a", "c"] {
        rig.publish(Publication::new(rig.message("x", "fence")).to(rig.to_queue(queue))).await;
    }
    assert_eq!((take(&a).await, take(&c).await), ("fence".to_owned(), "fence".to_owned()), "nothing entered before");
    let b = rig.subscribe("b", 1).await;
    skip(&b, fillers).await;
    for subscription in [&a, &b, &c] {
        assert_eq!(take(subscription).await, "waited");
    }
    ended(waiting).await;
}

/// Two subscribers that publish to each other's full queue, under their deliveries, and settle by what comes of it:
/// nobody waits for ever, and nothing is lost.
pub async fn a_circle_of_full_queues_moves(rig: Rig) {
    const ROUNDS: usize = 20;
    rig.declare(&[rig.queue("a", "to.a"), rig.queue("b", "to.b")]).await;
    fill(&rig, "a").await;
    fill(&rig, "b").await;
    let circle = [("a", "to.b"), ("b", "to.a")].map(|(queue, topic)| {
        let rig = rig.clone();
        tokio::spawn(async move {
            let subscription = rig.subscribe(queue, 1).await;
            for _ in 0..ROUNDS {
                let delivery = next(&subscription).await;
                let publication = Publication::new(rig.message(topic, "round"));
                match rig.try_publish(publication.with_room(Room::WaitAtMost(SHORT))).await {
                    Ok(_) => delivery.settle(Verdict::Ack),
                    // As the engine does: the copy takes its input's place.
                    Err(PublishError::Full { .. }) => {
                        let copy = Publication::new(delivery.message().clone()).to(rig.to_queue(queue));
                        rig.publish(copy.with_room(Room::Replaces)).await;
                        delivery.settle(Verdict::Ack);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    for half in circle {
        ended(half).await;
    }
}
