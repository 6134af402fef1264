//! A subscriber with an inbox and a `Tx`, against the same by hand; and both with a million rows in the tables.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use swit::{Running, Statement, store::Store as _, stores::SqlStore};
use tokio::sync::mpsc;

use crate::{
    Effort,
    hand::{self, Pool},
    median,
    place::Place,
    report::Report,
    service::{self, AT_ONCE, OrderCreated},
};

/// Orders that were not there before.
fn orders(many: usize) -> Vec<OrderCreated> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = || NEXT.fetch_add(1, Ordering::Relaxed);
    (0..many).map(|_| next()).map(|n| OrderCreated { id: format!("o{n}"), sku: format!("s{}", n % 1_000) }).collect()
}

async fn by_swit(running: &Running, done: &mut mpsc::UnboundedReceiver<()>, orders: Vec<OrderCreated>) -> Duration {
    let (publisher, many) = (running.publisher().expect("a publisher"), orders.len());
    running.handle().pause("take").expect("it pauses");
    publisher.publish_all(&orders).await.into_iter().for_each(|answer| drop(answer.expect("it is queued")));
    let began = Instant::now();
    running.handle().resume("take").expect("it resumes");
    for _ in 0..many {
        done.recv().await;
    }
    running.wait_quiet().await;
    began.elapsed()
}

async fn by_hand(pool: &Pool, orders: Vec<OrderCreated>) -> Duration {
    let orders = Arc::new(std::sync::Mutex::new(orders));
    let began = Instant::now();
    let workers = (0..AT_ONCE).map(|_| {
        let (pool, orders) = (pool.clone(), orders.clone());
        tokio::spawn(async move {
            loop {
                let next = orders.lock().expect("nobody panics").pop();
                let Some(order) = next else { return };
                hand::handle(&pool, order).await;
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("it ends");
    }
    began.elapsed()
}

struct Measured {
    swit: f64,
    hand: f64,
}

async fn alternate(place: &Place, pool: &Pool, effort: Effort) -> Measured {
    let (send, mut done) = mpsc::unbounded_channel();
    let running = service::start(place, send).await;
    by_swit(&running, &mut done, orders(effort.messages / 10)).await;
    by_hand(pool, orders(effort.messages / 10)).await;
    let (mut swit, mut hand) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        swit.push(by_swit(&running, &mut done, orders(effort.messages)).await);
        hand.push(by_hand(pool, orders(effort.messages)).await);
    }
    running.shutdown().await.expect("it stops");
    Measured { swit: median(swit), hand: median(hand) }
}

async fn prepared(place: &Place) -> SqlStore {
    let store = place.open().await;
    store.migrate(&[service::migrations()]).await.expect("tables");
    store
}

/// The cost of `inbox` and `Tx`.
pub(crate) async fn measure(place: &Place, effort: Effort, report: &mut Report) {
    let store = prepared(place).await;
    let pool = Pool::of(&store).await;
    let measured = alternate(place, &pool, effort).await;
    let each = |seconds: f64| effort.messages as f64 / seconds;
    report.add(
        &format!("{}_inbox_ratio", place.name),
        measured.swit / measured.hand,
        "inbox + Tx over the same SQL by hand (budget 1.15)",
    );
    report.add(&format!("{}_inbox_per_second", place.name), each(measured.swit), "messages a second, inbox + Tx");
    report.add(&format!("{}_hand_per_second", place.name), each(measured.hand), "messages a second, by hand");
}

/// What finished rows cost.
pub(crate) async fn growth(place: &Place, effort: Effort, report: &mut Report) {
    let store = prepared(place).await;
    let pool = Pool::of(&store).await;
    let before = alternate(place, &pool, effort).await;
    let fill = if store.system() == "sqlite" {
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO swit_inbox (claimant, message, handled_at) SELECT 'take', 'old-' || (i * 7919 % 1000003) || '-' || i, i FROM n"
    } else {
        "INSERT INTO swit_inbox (claimant, message, handled_at) \
         SELECT 'take', 'old-' || md5(i::text), i FROM generate_series(1, $1) AS n (i)"
    };
    let mut work = store.begin().await.expect("a transaction");
    let rows = i64::try_from(effort.finished).expect("it fits");
    work.execute(Statement::new(fill).bind(rows)).await.expect("rows");
    work.commit().await.expect("a commit");
    let after = alternate(place, &pool, effort).await;
    let text = format!(
        "time with {} finished rows over time without (by hand: {:.2})",
        effort.finished,
        after.hand / before.hand
    );
    report.add(&format!("{}_inbox_growth", place.name), after.swit / before.swit, &text);
}
