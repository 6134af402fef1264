//! Composites on a broker: what was done is not done again after a delay that the broker holds, nor after a connection that
//! is lost.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{Classify, Event, Metadata, State, dead_letters::Selection, event_handler};
use swit_testbed::{Broker, Proxy};
use tokio::sync::Semaphore;

use crate::ground::{self, Tally, app, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "composite.order", version = 1)]
struct Order {
    number: usize,
}

#[derive(Debug, Classify)]
enum Trouble {
    #[class(transient)]
    NotYet,
    #[class(permanent)]
    Nobody,
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NotYet => "not yet",
            Self::Nobody => "nobody is there",
        })
    }
}

impl std::error::Error for Trouble {}

/// What the handlers did, by handler and attempt.
#[derive(Debug, Default)]
struct Work {
    done: Tally,
    /// Lets second attempts at a price end.
    go: Option<Semaphore>,
}

/// Nothing lies in any queue, and nothing is out.
fn is_empty(broker: &Broker) -> bool {
    broker.list_queues().iter().all(|queue| queue.depth() == 0)
}

swit::composite!(
    order_work,
    strategy = parallel,
    topic = "composite.order",
    retries = 3,
    backoff = fixed("1100ms"),
    concurrency = 8
);

#[event_handler(composite = order_work, order = 10, name = "stock")]
async fn reserve(_order: Order, meta: Metadata, work: State<Work>) {
    work.done.add(format!("stock {}", meta.attempt));
}

#[event_handler(composite = order_work, order = 20, name = "price")]
async fn price(_order: Order, meta: Metadata, work: State<Work>) -> Result<(), Trouble> {
    work.done.add(format!("price {}", meta.attempt));
    if let (2, Some(go)) = (meta.attempt, &work.go) {
        go.acquire().await.unwrap().forget();
    }
    if meta.attempt < 3 { Err(Trouble::NotYet) } else { Ok(()) }
}

#[event_handler(composite = order_work, order = 30, name = "tell")]
async fn tell(_order: Order, work: State<Work>) -> Result<(), Trouble> {
    if work.done.add("tell") == 1 { Err(Trouble::Nobody) } else { Ok(()) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partial_success_survives_a_delay_a_lost_connection_and_a_replay() {
    let broker = Broker::start();
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let transport = ground::transport(options(&proxy.url(), "composite"));
    let work = Arc::new(Work { go: Some(Semaphore::new(0)), ..Work::default() });
    let running = app::<(order_work,)>("composite", &transport).provide_shared(work.clone()).start().await.unwrap();
    running.publisher().unwrap().publish(&Order { number: 1 }).await.unwrap();

    until("the second attempt begins", || work.done.all().contains_key("price 2")).await;
    proxy.cut();
    // What ends on the lost connection must count for nothing, so it ends once the other has begun.
    until("it comes again", || work.done.all()["price 2"] == 2).await;
    work.go.as_ref().unwrap().add_permits(2);
    let dead = || broker.queue_depth("composite.order-work.dlq") == Some(1);
    until("it is given up", dead).await;
    let seen = |names: &[&str]| names.iter().map(|name| work.done.all().get(*name).copied()).collect::<Vec<_>>();
    let counted = ["stock 1", "stock 2", "stock 3", "price 1", "price 2", "price 3", "tell"];
    // The second attempt was in work when its connection was lost, and came again with all that it carried.
    assert_eq!(seen(&counted), [Some(1), None, None, Some(1), Some(2), Some(1), Some(1)]);

    let letters = running.dead_letters("default").unwrap();
    let mut errors = Vec::new();
    letters
        .read("composite.order-work.dlq", &Selection::all(), 9, |letter| {
            errors.push((letter.reason.to_string(), letter.error.unwrap().to_string(), letter.attempts));
        })
        .await
        .unwrap();
    assert_eq!(errors, [("permanent".into(), "`tell`: nobody is there".into(), Some(3))]);
    let replayed = letters.replay("composite.order-work.dlq", &Selection::all(), |_| {}).await.unwrap();
    assert_eq!(replayed.count(), 1);
    until("who is missing is run", || work.done.all().get("tell") == Some(&2)).await;
    until("nothing is left", || is_empty(&broker)).await;
    assert_eq!(seen(&counted), [Some(1), None, None, Some(1), Some(2), Some(1), Some(2)], "a replay runs it alone");
    running.shutdown().await.unwrap();
}

swit::composite!(
    many_orders,
    strategy = parallel,
    topic = "composite.order",
    retries = 5,
    backoff = fixed("1100ms"),
    concurrency = 8
);

#[event_handler(composite = many_orders, order = 10, name = "stock")]
async fn reserve_many(order: Order, meta: Metadata, work: State<Work>) {
    let again = if meta.attempt > 1 { "again " } else { "" };
    work.done.add(format!("stock {again}{}", order.number));
}

#[event_handler(composite = many_orders, order = 20, name = "price")]
async fn price_many(order: Order, meta: Metadata, work: State<Work>) -> Result<(), Trouble> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    if meta.attempt < 2 + u32::try_from(order.number % 2).unwrap() {
        return Err(Trouble::NotYet);
    }
    work.done.add(format!("price {}", order.number));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_again_and_again_repeat_nothing_that_a_copy_carries() {
    const ORDERS: usize = 200;
    let broker = Broker::start();
    let proxy = Proxy::start(("127.0.0.1", broker.port()));
    let transport = ground::transport(options(&proxy.url(), "composites"));
    let work = Arc::new(Work::default());
    let running = app::<(many_orders,)>("composites", &transport).provide_shared(work.clone()).start().await.unwrap();
    let direct = ground::transport(options(&broker.url(), "composites"));
    let sender = app::<()>("sender", &direct).start().await.unwrap();
    let publisher = sender.publisher().unwrap();
    for number in 0..ORDERS {
        publisher.publish(&Order { number }).await.unwrap();
        if number % 40 == 20 {
            proxy.cut();
        }
    }
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.cut();
    }
    let priced = |number: usize| work.done.all().contains_key(&format!("price {number}"));
    until("all are priced", || (0..ORDERS).all(priced)).await;
    until("nothing is left", || is_empty(&broker)).await;
    let all = work.done.all();
    let again: Vec<_> = all.keys().filter(|name| name.contains("again")).collect();
    assert!(again.is_empty(), "what the copies carried was done again: {again:?}");
    assert!((0..ORDERS).all(|number| all.contains_key(&format!("stock {number}"))));
    sender.shutdown().await.unwrap();
    running.shutdown().await.unwrap();
}
