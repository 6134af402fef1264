//! Many at once: workers, subscriptions and publishers.

use std::{collections::HashSet, sync::Arc};

use tokio::sync::mpsc;

use super::{
    Rig,
    rig::{body, got, next_of, nothing, soon, start_next, take, take_many},
};
use crate::transport::{Publication, SubscribeOptions, Subscription, Verdict};

/// Has a worker send the bodies of what it gets, which it acknowledges.
fn work(subscription: &Arc<dyn Subscription>, worker: usize, done: &mpsc::UnboundedSender<(usize, String)>) {
    let (subscription, done) = (Arc::clone(subscription), done.clone());
    tokio::spawn(async move {
        while let Some(delivery) = std::future::poll_fn(|cx| subscription.poll_next(worker, cx)).await {
            let text = body(&delivery);
            // Acknowledged first, so that whoever counts knows that it is.
            delivery.settle(Verdict::Ack);
            if done.send((worker, text)).is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
}

fn publish_concurrently(rig: &Rig, count: usize) {
    const PUBLISHERS: usize = 50;
    for publisher in 0..PUBLISHERS {
        let rig = rig.clone();
        tokio::spawn(async move {
            for number in (publisher..count).step_by(PUBLISHERS) {
                rig.publish(Publication::new(rig.message("t", number.to_string()))).await;
            }
        });
    }
}

async fn each_once(done: &mut mpsc::UnboundedReceiver<(usize, String)>, count: usize) -> HashSet<usize> {
    let (mut bodies, mut workers) = (HashSet::new(), HashSet::new());
    for _ in 0..count {
        let Some((worker, body)) = soon(done.recv()).await else { panic!("the workers ended") };
        workers.insert(worker);
        assert!(bodies.insert(body.clone()), "`{body}` came twice");
    }
    workers
}

/// Two subscriptions to one queue, as two instances of a service have: each message goes to one of them, and both work.
pub async fn a_group_shares_the_work(rig: Rig) {
    rig.declare_one().await;
    let (one, other) = (rig.subscribe("q", 1).await, rig.subscribe("q", 1).await);
    rig.publish_each("t", &["1", "2", "3", "4"]).await;
    // Each holds one: the second can only be given to the other.
    let held = soon(async { (next_of(&one, 0).await, next_of(&other, 0).await) }).await;
    let mut bodies: Vec<String> = [held.0, held.1]
        .into_iter()
        .flatten()
        .map(|delivery| {
            let text = body(&delivery);
            delivery.settle(Verdict::Ack);
            text
        })
        .collect();
    bodies.sort_unstable();
    assert_eq!(bodies, ["1", "2"]);
    other.close();
    // Either may have been on its way to the other: what comes back may come behind what was there.
    let mut rest = take_many(&one, 2).await;
    rest.sort_unstable();
    assert_eq!(rest, ["3", "4"]);
}

/// Several workers of one subscription get each message once, and all have some.
pub async fn workers_share_a_subscription(rig: Rig) {
    const WORKERS: usize = 4;
    rig.declare_one().await;
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 4).with_workers(WORKERS);
    let subscription = rig.subscribe_with(options).await;
    rig.publish_each("t", &["0", "1", "2", "3", "4", "5", "6", "7"]).await;
    let mut held = Vec::new();
    for worker in 0..WORKERS {
        let Some(delivery) = next_of(&subscription, worker).await else { panic!("closed") };
        held.push(delivery);
    }
    let bodies: HashSet<String> = held.iter().map(body).collect();
    assert_eq!(bodies.len(), WORKERS, "each worker has another: {bodies:?}");
    for delivery in held {
        delivery.settle(Verdict::Ack);
    }
    let (done, mut received) = mpsc::unbounded_channel();
    for worker in 0..WORKERS {
        work(&subscription, worker, &done);
    }
    each_once(&mut received, 4).await;
    subscription.close();
}

/// What one worker does not get to, the others do.
pub async fn a_slow_worker_strands_nothing(rig: Rig) {
    rig.declare_one().await;
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 100).with_workers(2);
    let subscription = rig.subscribe_with(options).await;
    let bodies: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    rig.publish_each("t", &bodies.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let Some(slow) = next_of(&subscription, 1).await else { panic!("closed") };
    assert_eq!(take_many(&subscription, 49).await, bodies[1..]);
    nothing(&subscription).await;
    slow.settle(Verdict::Ack);
}

/// A worker that has taken up something else is not waited for: what it may have been woken for goes to another one.
pub async fn a_busy_worker_strands_nothing(rig: Rig) {
    rig.declare_one().await;
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 100).with_workers(2);
    let subscription = rig.subscribe_with(options).await;
    for busy in [0, 1] {
        // Both wait; then one of them, and not always the one that would be woken, does something else.
        let waiting = start_next(&subscription, 1 - busy).await;
        let mut waker = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(subscription.poll_next(busy, &mut waker).is_pending());
        subscription.busy(busy);
        rig.publish_each("t", &["x"]).await;
        let Some(delivery) = got(waiting).await else { panic!("closed") };
        delivery.settle(Verdict::Ack);
    }
}

/// Several subscriptions of several workers each: nothing twice.
pub async fn concurrent_subscribers_get_each_message_once(rig: Rig) {
    rig.declare_one().await;
    let (done, mut received) = mpsc::unbounded_channel();
    let mut subscriptions = Vec::new();
    for _ in 0..3 {
        let options = SubscribeOptions::new(rig.name("q"), "conformance", 20).with_workers(2);
        let subscription = rig.subscribe_with(options).await;
        for worker in 0..2 {
            work(&subscription, worker, &done);
        }
        subscriptions.push(subscription);
    }
    publish_concurrently(&rig, 1_000);
    each_once(&mut received, 1_000).await;
    for subscription in subscriptions {
        subscription.close();
    }
    let after = rig.subscribe("q", 1).await;
    nothing(&after).await;
}

/// Ten thousand messages of many publishers at once: each arrives, once.
pub async fn ten_thousand_publications_arrive_once(rig: Rig) {
    rig.declare_one().await;
    let (done, mut received) = mpsc::unbounded_channel();
    let options = SubscribeOptions::new(rig.name("q"), "conformance", 100).with_workers(4);
    let subscription = rig.subscribe_with(options).await;
    for worker in 0..4 {
        work(&subscription, worker, &done);
    }
    publish_concurrently(&rig, 10_000);
    each_once(&mut received, 10_000).await;
    subscription.close();
    let after = rig.subscribe("q", 1).await;
    rig.publish_each("t", &["fence"]).await;
    assert_eq!(take(&after).await, "fence");
}
