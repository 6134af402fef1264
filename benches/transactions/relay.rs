//! The relay: rows a second against a poller by hand, and how long after a commit a message is there.

use std::time::{Duration, Instant, SystemTime};

use swit::{
    App, Event as _, MessageId, Running, Unrouted,
    store::{Enlisted, Store as _},
    stores::SqlStore,
    subscriber,
};
use tokio::sync::mpsc;

use crate::{
    Effort,
    hand::{self, Pool},
    median,
    place::Place,
    report::Report,
    service::{Done, OrderCreated},
};

#[subscriber(topic = "order.created", concurrency = 2)]
async fn arrives(_order: OrderCreated, done: swit::State<Done>) {
    let _ = done.send(());
}

async fn start(place: &Place, done: Done, relays: bool) -> Running {
    App::only::<(arrives,)>()
        .service("bench", "0")
        .set("database.url", place.url.as_str())
        .set("database.migrate", true)
        .set("database.relay", relays)
        .provide(done)
        .start()
        .await
        .expect("it starts")
}

/// Puts rows into the outbox for a transport, all with keys of their own.
async fn fill(store: &SqlStore, transport: &str, many: usize) {
    let mut work = store.begin().await.expect("a transaction");
    let rows: Vec<Enlisted> = (0..many)
        .map(|number| {
            let order = OrderCreated { id: format!("o{number}"), sku: "s".into() };
            let mut message = order.encode().expect("it encodes").with_id(MessageId::new(SystemTime::now()));
            message.timestamp = Some(SystemTime::now());
            Enlisted { message, transport: transport.into(), unrouted: Unrouted::Warn, due: None }
        })
        .collect();
    work.enlist(&rows, SystemTime::now()).await.expect("rows");
    work.commit().await.expect("a commit");
}

/// Rows a second.
pub(crate) async fn throughput(place: &Place, effort: Effort, report: &mut Report) {
    let store = place.open().await;
    store.migrate(&[]).await.expect("tables");
    let pool = Pool::of(&store).await;
    let rows = effort.messages * 5;
    let (mut swit, mut hand) = (Vec::new(), Vec::new());
    for round in 0..=effort.rounds {
        // Whoever relays begins with all of it there.
        fill(&store, "default", rows).await;
        let (send, mut done) = mpsc::unbounded_channel();
        let began = Instant::now();
        let running = start(place, send, true).await;
        for _ in 0..rows {
            done.recv().await;
        }
        running.wait_quiet().await;
        let took_swit = began.elapsed();
        running.shutdown().await.expect("it stops");

        fill(&store, "by-hand", rows).await;
        let (send, mut done) = mpsc::unbounded_channel();
        let began = Instant::now();
        let running = start(place, send, false).await;
        let publisher = running.publisher().expect("a publisher");
        let mut polled = 0;
        while polled < rows {
            polled += hand::poll(&pool, &publisher).await;
        }
        for _ in 0..rows {
            done.recv().await;
        }
        running.wait_quiet().await;
        let took_hand = began.elapsed();
        running.shutdown().await.expect("it stops");
        // The first round warms up.
        if round > 0 || effort.rounds == 1 {
            swit.push(took_swit);
            hand.push(took_hand);
        }
    }
    let (swit, hand) = (median(swit), median(hand));
    report.add(
        &format!("{}_relay_ratio", place.name),
        hand / swit,
        "rows a second of the relay over a poller by hand (budget 0.9)",
    );
    report.add(&format!("{}_relay_per_second", place.name), rows as f64 / swit, "rows a second, relay");
    report.add(&format!("{}_poller_per_second", place.name), rows as f64 / hand, "rows a second, poller by hand");
}

/// From the commit to the handler, idle.
pub(crate) async fn latency(place: &Place, effort: Effort, report: &mut Report) {
    let (send, mut done) = mpsc::unbounded_channel();
    let running = start(place, send, true).await;
    let database = running.database().expect("a database");
    let mut times = Vec::new();
    for number in 0..effort.messages / 4 {
        let mut tx = database.begin().await.expect("a transaction");
        tx.publish(&OrderCreated { id: format!("l{number}"), sku: "s".into() }).await.expect("it is taken in");
        tx.commit().await.expect("a commit");
        let began = Instant::now();
        done.recv().await;
        times.push(began.elapsed());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    running.shutdown().await.expect("it stops");
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1e3;
    report.add(&format!("{}_latency_p50", place.name), at(50), "ms from the commit to the handler, median");
    report.add(
        &format!("{}_latency_p99", place.name),
        at(99),
        "ms from the commit to the handler, of 100 the slowest but one (budget 10)",
    );
}
