//! How a batch fills: by number, by time, by several workers.

use std::time::Duration;

use swit::{App, Batch, State, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::{Calls, publish};
use crate::support::Task;

#[subscriber(topic = "task.created", batch(max = 10, within = "100ms"))]
async fn tens(tasks: Batch<Task>, calls: State<Calls>) {
    calls.note(&tasks);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_full_or_its_time_is_over() {
    let app = TestApp::start(App::only::<(tens,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    let began = Instant::now();
    publish(&app, 0..30).await;
    while calls.sizes().len() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!((calls.sizes(), began.elapsed()), (vec![10, 10, 10], Duration::ZERO), "nobody waits for a full one");
    let texts: Vec<String> = calls.texts().concat();
    assert_eq!(texts, (0..30).map(|n| n.to_string()).collect::<Vec<_>>(), "in the order of the queue");

    publish(&app, 30..33).await;
    sleep(Duration::from_millis(60)).await;
    publish(&app, 33..35).await;
    sleep(Duration::from_millis(39)).await;
    assert_eq!(calls.sizes().len(), 3, "the first waits for others");
    sleep(Duration::from_millis(2)).await;
    assert_eq!(calls.sizes()[3..], [5], "for no longer than it may");
    app.wait_quiet().await;
    let counts = app.stats_of("tens").unwrap().counts.clone();
    assert_eq!((counts.attempts, counts.succeeded, counts.failed), (35, 35, 0));
    app.shutdown().await.unwrap();
}
