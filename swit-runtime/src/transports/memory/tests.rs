//! What the port promises, tried on this transport with paused time.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

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
    std::str::from_utf8(&delivery.message().payload).unwrap()
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

#[tokio::test(start_paused = true)]
async fn what_waits_too_long_goes_without_anybody_looking() {
    let transport = with_queue(1).await;
    let mut mortal = message("mortal");
    mortal.message.ttl = Some(SECOND);
    publish(&transport, mortal).await.unwrap();
    let start = Instant::now();
    publish(&transport, message("next")).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 1, "the room that it left was given on at once");
    let subscription = subscribe(&transport, 1).await;
    assert_eq!(take(&subscription).await, "next");
}

#[tokio::test(start_paused = true)]
async fn a_requeued_message_keeps_its_time_to_live() {
    let transport = with_queue(10).await;
    let subscription = subscribe(&transport, 1).await;
    let mut mortal = message("mortal");
    mortal.message.ttl = Some(SECOND);
    publish(&transport, mortal).await.unwrap();
    let held = next(&subscription).await.unwrap();
    tokio::time::advance(2 * SECOND).await;
    held.settle(Verdict::Requeue);
    nothing(&subscription).await;
    assert_eq!(transport.inspect().unwrap().depth("q"), Some(0));
}

#[tokio::test(start_paused = true)]
async fn dead_letters_do_not_expire() {
    let transport = transport(1);
    transport.declare(&[Queue::subscriber("q", ["t"]).with_dead_letter("dlq")]).await.unwrap();
    let subscription = subscribe(&transport, 1).await;
    for name in ["1", "2", "3"] {
        let mut mortal = message(name);
        mortal.message.ttl = Some(SECOND);
        publish(&transport, mortal).await.unwrap();
        next(&subscription).await.unwrap().settle(Verdict::Reject);
    }
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(transport.inspect().unwrap().browse("dlq", 10).len(), 3, "past the bound and past their time");
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_is_dropped_while_it_waits_is_taken_back() {
    let transport = with_queue(1).await;
    publish(&transport, message("1")).await.unwrap();
    let dropped = transport.publisher().publish(message("dropped"));
    let waiting = transport.publisher().publish(message("2"));
    drop(dropped);
    let subscription = subscribe(&transport, 1).await;
    assert_eq!(take(&subscription).await, "1");
    waiting.await.unwrap();
    assert_eq!(take(&subscription).await, "2");
    nothing(&subscription).await;
}

#[tokio::test(start_paused = true)]
async fn closing_refuses_those_who_wait() {
    let transport = with_queue(1).await;
    publish(&transport, message("1")).await.unwrap();
    let waiting = tokio::spawn(transport.publisher().publish(message("2")));
    tokio::task::yield_now().await;
    transport.close().await;
    assert!(matches!(waiting.await.unwrap(), Err(PublishError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn quiet_waits_for_delayed_copies_and_for_those_who_wait_for_room() {
    let transport = with_queue(1).await;
    let subscription = subscribe(&transport, 1).await;
    publish(&transport, message("1").delayed(SECOND)).await.unwrap();
    let waiting = tokio::spawn(transport.publisher().publish(message("2")));
    let start = Instant::now();
    let worker = tokio::spawn(async move { (take(&subscription).await, take(&subscription).await) });
    transport.inspect().unwrap().quiet().await;
    assert_eq!(start.elapsed().as_secs(), 1);
    assert_eq!(worker.await.unwrap(), ("1".to_owned(), "2".to_owned()));
    waiting.await.unwrap().unwrap();
}

#[test]
fn it_outlives_runtimes_and_is_made_outside_of_them() {
    let transport = transport(10);
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime().block_on(async {
        transport.declare(&[Queue::subscriber("q", ["t"])]).await.unwrap();
        publish(&transport, message("1").delayed(SECOND)).await.unwrap();
        let subscription = subscribe(&transport, 1).await;
        assert_eq!(take(&subscription).await, "1");
    });
    // The timer's task went away with the first runtime.
    runtime().block_on(async {
        let subscription = subscribe(&transport, 1).await;
        publish(&transport, message("2").delayed(SECOND)).await.unwrap();
        assert_eq!(take(&subscription).await, "2");
        transport.close().await;
    });
}

/// Publishers that fan out to overlapping pairs of tiny queues, some of which give up: whatever was confirmed is in
/// both of its queues once, whatever was refused is in none, and it ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fan_outs_neither_lock_up_nor_enter_in_part() {
    const EACH: usize = 400;
    let transport = Arc::new(transport(2));
    let queues = [("a", ["ab", "ca"]), ("b", ["ab", "bc"]), ("c", ["bc", "ca"])];
    let declared: Vec<_> = queues.iter().map(|(name, topics)| Queue::subscriber(*name, *topics)).collect();
    transport.declare(&declared).await.unwrap();
    let (taken, mut came) = tokio::sync::mpsc::unbounded_channel();
    for (queue, _) in queues {
        let options = SubscribeOptions::new(queue, "s", 2);
        let (subscription, taken) = (transport.subscribe(options).await.unwrap(), taken.clone());
        tokio::spawn(async move {
            while let Some(delivery) = poll_fn(|cx| subscription.poll_next(0, cx)).await {
                taken.send(name(&delivery).to_owned()).unwrap();
                tokio::task::yield_now().await;
                delivery.settle(Verdict::Ack);
            }
        });
    }
    drop(taken);
    let publishers: Vec<_> = (0..9)
        .map(|publisher| {
            let transport = Arc::clone(&transport);
            tokio::spawn(async move {
                let mut confirmed = Vec::new();
                for number in 0..EACH {
                    let body = format!("{publisher}/{number}");
                    let room = if number % 3 == 0 { Room::WaitAtMost(Duration::from_micros(50)) } else { Room::Wait };
                    let message = Message::new(["ab", "bc", "ca"][(publisher + number) % 3], body.clone());
                    match publish(&transport, Publication::new(message).with_room(room)).await {
                        Ok(_) => confirmed.push(body),
                        Err(error) => assert!(matches!(error, PublishError::Full { .. }), "{error}"),
                    }
                }
                confirmed
            })
        })
        .collect();
    let mut confirmed = Vec::new();
    for publisher in publishers {
        confirmed.extend(timeout(60 * SECOND, publisher).await.expect("locked up").unwrap());
    }
    timeout(60 * SECOND, transport.inspect().unwrap().quiet()).await.expect("locked up");
    transport.close().await;
    let mut bodies = Vec::new();
    while let Some(body) = came.recv().await {
        bodies.push(body);
    }
    let mut expected = [confirmed.clone(), confirmed].concat();
    expected.sort_unstable();
    bodies.sort_unstable();
    assert!(bodies == expected, "{} came, {} were confirmed", bodies.len(), expected.len());
}

/// A message that goes round and round is never nowhere, though whoever looks at one queue after the other may find
/// each of them empty.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quiet_misses_nothing_that_moves() {
    let transport = Arc::new(transport(10));
    transport.declare(&["a", "b"].map(|name| Queue::subscriber(name, [name]))).await.unwrap();
    for (queue, other) in [("a", "b"), ("b", "a")] {
        let subscription = transport.subscribe(SubscribeOptions::new(queue, "s", 1)).await.unwrap();
        let publisher = transport.publisher();
        tokio::spawn(async move {
            while let Some(delivery) = poll_fn(|cx| subscription.poll_next(0, cx)).await {
                publisher.publish(Publication::new(Message::new(other, ""))).await.unwrap();
                delivery.settle(Verdict::Ack);
            }
        });
    }
    publish(&transport, Publication::new(Message::new("a", ""))).await.unwrap();
    let inspect = transport.inspect().unwrap();
    for look in 0..200_000 {
        let mut quiet = inspect.quiet();
        let polled = quiet.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending(), "quiet at look {look}");
    }
    transport.close().await;
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Three workers of one subscription, polled by hand.
struct Workers {
    subscription: Arc<dyn Subscription>,
    wakers: [Arc<Woken>; 3],
}

impl Workers {
    async fn idle(transport: &MemoryTransport) -> Self {
        let options = SubscribeOptions::new("q", "s", 10).with_workers(3);
        let subscription = transport.subscribe(options).await.unwrap();
        let workers = Self { subscription, wakers: Default::default() };
        assert!((0..3).all(|worker| workers.poll(worker).is_pending()));
        workers
    }

    fn poll(&self, worker: usize) -> std::task::Poll<Option<Delivery>> {
        let waker = self.wakers[worker].clone().into();
        self.subscription.poll_next(worker, &mut std::task::Context::from_waker(&waker))
    }

    fn woken(&self) -> [usize; 3] {
        self.wakers.each_ref().map(|woken| woken.0.load(std::sync::atomic::Ordering::Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_worker_is_not_woken_and_passes_its_wake_up_on() {
    let transport = with_queue(100).await;
    let workers = Workers::idle(&transport).await;
    // The last to come is the first to be woken, unless it has taken up something else.
    workers.subscription.busy(2);
    publish(&transport, message("1")).await.unwrap();
    assert_eq!(workers.woken(), [0, 1, 0]);
    // And if it takes up something else after it was woken, the next one is.
    workers.subscription.busy(1);
    assert_eq!(workers.woken(), [1, 1, 0]);
    assert!(workers.poll(0).is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_finds_more_than_it_takes_wakes_the_next() {
    let transport = with_queue(100).await;
    let workers = Workers::idle(&transport).await;
    for n in 0..3 {
        publish(&transport, message(&n.to_string())).await.unwrap();
    }
    assert_eq!(workers.woken(), [0, 0, 1], "a burst wakes one");
    let _first = workers.poll(2);
    assert_eq!(workers.woken(), [0, 1, 1]);
    let _second = workers.poll(1);
    assert_eq!(workers.woken(), [1, 1, 1]);
    let _third = workers.poll(0);
}
