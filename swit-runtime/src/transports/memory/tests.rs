//! What the port promises, tried on this transport with paused time.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use super::{MemoryOptions, MemoryTransport};
use crate::{
    error::PublishError,
    message::Message,
    transport::{
        Delivery, Publication, Queue, Receipt, Room, SubscribeOptions, Subscription, Target, Transport, Verdict,
    },
};

const SECOND: Duration = Duration::from_secs(1);

fn transport(capacity: usize) -> MemoryTransport {
    MemoryTransport::new("test", MemoryOptions::default().with_capacity(capacity))
}

async fn with_queue(capacity: usize) -> MemoryTransport {
    let transport = transport(capacity);
    transport.declare(&[Queue::subscriber("q", ["t.#"])]).await.unwrap();
    transport
}

async fn subscribe(transport: &MemoryTransport, prefetch: u32) -> Arc<dyn Subscription> {
    transport.subscribe(SubscribeOptions::new("q", "s", prefetch)).await.unwrap()
}

fn message(name: &str) -> Publication {
    Publication::new(Message::new("t", name.to_owned()))
}

async fn publish(transport: &MemoryTransport, publication: Publication) -> Result<Receipt, PublishError> {
    transport.publisher().publish(publication).await
}

async fn next(subscription: &Arc<dyn Subscription>) -> Option<Delivery> {
    timeout(3600 * SECOND, poll_fn(|cx| subscription.poll_next(0, cx))).await.expect("nothing came")
}

async fn nothing(subscription: &Arc<dyn Subscription>) {
    let polled = timeout(Duration::ZERO, poll_fn(|cx| subscription.poll_next(0, cx))).await;
    assert!(polled.is_err(), "{polled:?}");
}

fn name(delivery: &Delivery) -> &str {
    std::str::from_utf8(&delivery.message.payload).unwrap()
}

async fn take(subscription: &Arc<dyn Subscription>) -> String {
    let delivery = next(subscription).await.expect("closed");
    let name = name(&delivery).to_owned();
    delivery.settle(Verdict::Ack);
    name
}

#[tokio::test(start_paused = true)]
async fn delays_end_at_their_time_each_by_itself() {
    let transport = with_queue(10).await;
    let subscription = subscribe(&transport, 10).await;
    let start = Instant::now();
    publish(&transport, message("long").delayed(60 * SECOND)).await.unwrap();
    publish(&transport, message("short").delayed(SECOND)).await.unwrap();
    publish(&transport, message("now")).await.unwrap();
    assert_eq!(take(&subscription).await, "now");
    assert_eq!(take(&subscription).await, "short");
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(take(&subscription).await, "long");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn full_queues_answer_when_asked_to() {
    let transport = with_queue(1).await;
    publish(&transport, message("1")).await.unwrap();
    let start = Instant::now();
    let answer = publish(&transport, message("2").with_room(Room::WaitAtMost(SECOND))).await;
    assert!(matches!(answer, Err(PublishError::Full { .. })), "{answer:?}");
    assert_eq!(start.elapsed(), SECOND);
    publish(&transport, message("3").with_room(Room::Replaces)).await.unwrap();
    let waiting = transport.publisher().publish(message("4"));
    let subscription = subscribe(&transport, 10).await;
    assert_eq!(take(&subscription).await, "1");
    assert_eq!(take(&subscription).await, "3");
    assert_eq!(take(&subscription).await, "4", "without a poll of the publication");
    waiting.await.unwrap();
    let missing = message("5").to(Target::Queue("missing".into()));
    assert!(matches!(publish(&transport, missing).await, Err(PublishError::Unrouted { .. })));
    nothing(&subscription).await;
}
