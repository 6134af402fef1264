//! Who gets what: topics, patterns and queues addressed by name.

use super::{
    Rig,
    rig::{nothing, take, take_many},
};
use crate::{
    error::PublishError,
    transport::{Publication, Queue},
};

/// What a pattern takes, out of topics that are published in this order.
async fn takes(rig: &Rig, pattern: &str, topics: &[&str]) -> Vec<String> {
    rig.declare(&[rig.queue("q", pattern), rig.queue("fence", "fence")]).await;
    // The fence comes last, through the same queue, so that what did not come before it does not come.
    let subscription = rig.subscribe("q", 100).await;
    for topic in topics {
        let answer = rig.try_publish(Publication::new(rig.message(topic, *topic))).await;
        assert!(answer.is_ok(), "{answer:?}");
    }
    let fence = rig.message("fence", "fence");
    rig.publish(Publication::new(fence).to(rig.to_queue("q"))).await;
    let mut taken = Vec::new();
    loop {
        let body = take(&subscription).await;
        if body == "fence" {
            return taken;
        }
        taken.push(body);
    }
}

/// A topic without wildcards takes itself and nothing that looks like it.
pub async fn a_literal_topic_takes_itself_only(rig: Rig) {
    let taken = takes(&rig, "order.created", &["order", "order.created", "order.created.v2", "orders.created"]).await;
    assert_eq!(taken, ["order.created"]);
}

/// `*` takes exactly one word.
pub async fn a_star_takes_one_word(rig: Rig) {
    let topics = ["order.created", "order", "order.created.v2", "order.paid", "other.created"];
    assert_eq!(takes(&rig, "order.*", &topics).await, ["order.created", "order.paid"]);
}

/// `#` takes any number of words, none among them.
pub async fn a_hash_takes_any_words(rig: Rig) {
    let topics = ["order.created", "order", "order.created.v2", "orders"];
    assert_eq!(takes(&rig, "order.#", &topics).await, ["order.created", "order", "order.created.v2"]);
}

/// A queue that takes a topic by several patterns gets the message once.
pub async fn several_patterns_take_once(rig: Rig) {
    let patterns = ["a.b", "a.*", "a.#"].map(|pattern| rig.name(pattern));
    rig.declare(&[Queue::subscriber(rig.name("q"), patterns)]).await;
    let subscription = rig.subscribe("q", 10).await;
    rig.publish_each("a.b", &["1", "2"]).await;
    assert_eq!(take_many(&subscription, 2).await, ["1", "2"]);
}

/// A pattern that takes everything does not take what is addressed to a dead-letter queue.
pub async fn dead_letter_queues_match_no_pattern(rig: Rig) {
    rig.declare(&[Queue::subscriber(rig.name("all"), ["#"]), Queue::dead_letter(rig.name("dlq"))]).await;
    let (all, dead) = (rig.subscribe("all", 10).await, rig.subscribe("dlq", 10).await);
    rig.publish(Publication::new(rig.message("t", "copy")).to(rig.to_queue("dlq"))).await;
    assert_eq!(take(&dead).await, "copy");
    rig.publish_each("t", &["event"]).await;
    // Other tests may publish to a shared broker: what must not come is the copy.
    loop {
        match take(&all).await.as_str() {
            "event" => break,
            "copy" => panic!("the copy was taken"),
            _ => {}
        }
    }
    nothing(&dead).await;
}

/// The queues of two groups each get every message.
pub async fn groups_each_get_all(rig: Rig) {
    rig.declare(&[rig.queue("billing", "t"), rig.queue("shipping", "t")]).await;
    let (billing, shipping) = (rig.subscribe("billing", 10).await, rig.subscribe("shipping", 10).await);
    rig.publish_each("t", &["1", "2", "3"]).await;
    assert_eq!(take_many(&billing, 3).await, ["1", "2", "3"]);
    assert_eq!(take_many(&shipping, 3).await, ["1", "2", "3"]);
}

/// A topic that no queue takes is confirmed, and the receipt says so.
pub async fn publishing_to_nowhere_is_answered(rig: Rig) {
    rig.declare_one().await;
    for topic in ["nowhere", "t.nowhere"] {
        match rig.try_publish(Publication::new(rig.message(topic, "lost"))).await {
            Ok(receipt) => assert!(!receipt.routed, "`{topic}` was routed"),
            Err(error) => panic!("{error}"),
        }
    }
    rig.publish_each("t", &["1"]).await;
}

/// A queue that does not exist can't be published to.
pub async fn publishing_to_a_missing_queue_is_an_error(rig: Rig) {
    let answer = rig.try_publish(Publication::new(rig.message("t", "")).to(rig.to_queue("missing"))).await;
    assert!(matches!(answer, Err(PublishError::Unrouted { .. })), "{answer:?}");
}

/// A message that is addressed to a queue reaches it alone, whatever its topic.
pub async fn a_queue_is_addressed_past_all_bindings(rig: Rig) {
    rig.declare(&[rig.queue("a", "a"), rig.queue("b", "b")]).await;
    let (a, b) = (rig.subscribe("a", 10).await, rig.subscribe("b", 10).await);
    rig.publish(Publication::new(rig.message("b", "addressed")).to(rig.to_queue("a"))).await;
    rig.publish_each("b", &["fence"]).await;
    assert_eq!(take(&a).await, "addressed");
    assert_eq!(take(&b).await, "fence");
}
