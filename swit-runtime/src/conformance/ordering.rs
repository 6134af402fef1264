//! Order within a queue.

use std::collections::HashMap;

use super::{
    Rig,
    rig::{body, next, soon, take_many},
};
use crate::transport::{Publication, Verdict};

/// One publisher, one worker: as published.
pub async fn a_queue_keeps_its_order(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 10).await;
    let bodies: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    // All on their way at once: order is that of publishing, not of the answers.
    let publishing = {
        let (rig, bodies) = (rig.clone(), bodies.clone());
        tokio::spawn(async move {
            let publisher = rig.transport.publisher();
            let started: Vec<_> =
                bodies.iter().map(|body| publisher.publish(Publication::new(rig.message("t", body.clone())))).collect();
            for answer in started {
                assert!(soon(answer).await.is_ok());
            }
        })
    };
    assert_eq!(take_many(&subscription, 300).await, bodies);
    assert!(publishing.await.is_ok());
}

/// Several publishers at once, each with a key of its own: order holds for each key.
pub async fn each_publisher_keeps_its_order(rig: Rig) {
    const PUBLISHERS: usize = 8;
    const EACH: usize = 100;
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 50).await;
    for publisher in 0..PUBLISHERS {
        let rig = rig.clone();
        tokio::spawn(async move {
            for number in 0..EACH {
                let message = rig.message("t", number.to_string()).with_key(publisher.to_string());
                rig.publish(Publication::new(message)).await;
            }
        });
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for _ in 0..PUBLISHERS * EACH {
        let delivery = next(&subscription).await;
        let key = delivery.message().key.as_ref().map(ToString::to_string).unwrap_or_default();
        let expected = seen.entry(key).or_default();
        assert_eq!(body(&delivery), expected.to_string());
        *expected += 1;
        delivery.settle(Verdict::Ack);
    }
}

/// Several deliveries that come back, in whichever order, come again in the order they had.
pub async fn deliveries_return_to_their_order(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 4).await;
    rig.publish_each("t", &["1", "2", "3", "4", "5"]).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(next(&subscription).await);
    }
    // By prefetch no delivery can come before they are all back, but for those that are back already: hold on to one.
    for index in [2, 0, 1, 0] {
        held.remove(index).settle(Verdict::Requeue);
    }
    assert_eq!(take_many(&subscription, 5).await, ["1", "2", "3", "4", "5"]);
}

/// What has a higher priority comes first; within one, order holds.
pub async fn higher_priority_overtakes(rig: Rig) {
    rig.declare_one().await;
    for (body, priority) in [("a", 0), ("b", 5), ("c", 9), ("d", 0), ("e", 5), ("f", 9)] {
        rig.publish(Publication::new(rig.message("t", body).with_priority(priority))).await;
    }
    let subscription = rig.subscribe("q", 1).await;
    assert_eq!(take_many(&subscription, 6).await, ["c", "f", "b", "e", "a", "d"]);
}
