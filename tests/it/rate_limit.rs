//! Rate limits delay pulling: exactly, for all workers together, and never with an error.

use std::{sync::Mutex, time::Duration};

use swit::{App, Policies, State, Subscription, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use crate::support::{Task, keyed, task};

/// When attempts began.
#[derive(Debug, Default)]
struct Times(Mutex<Vec<Instant>>);

impl Times {
    fn note(&self) -> usize {
        let mut times = self.0.lock().unwrap();
        times.push(Instant::now());
        times.len()
    }

    fn millis_since(&self, began: Instant) -> Vec<u128> {
        self.0.lock().unwrap().iter().map(|at| (*at - began).as_millis()).collect()
    }
}

#[subscriber(topic = "task.created", rate_limit(per_second = 100, burst = 10), concurrency = 7)]
async fn limited(_task: Task, times: State<Times>) {
    times.note();
    sleep(Duration::from_millis(3)).await;
}

#[subscriber(topic = "task.created")]
async fn free(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn no_more_begin_than_the_rate_and_its_burst() {
    let app = TestApp::start(App::only::<(limited, free)>().provide(Times::default())).await.unwrap();
    let times = app.running().scope().get::<Times>().unwrap();
    let began = Instant::now();
    for n in 0..210 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(1)).await;
    assert_eq!(app.attempts("free"), 210, "nobody else waits");
    app.wait_quiet().await;
    let millis = times.millis_since(began);
    // Ten at once, as soon as there are workers; then one each ten milliseconds.
    assert_eq!(millis.iter().filter(|at| **at < 10).count(), 10, "{millis:?}");
    assert_eq!(&millis[10..13], [10, 20, 30]);
    assert_eq!((millis.len(), millis[209]), (210, 2_000));
    let counts = app.stats_of("limited").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.failed, counts.retries), (210, 0, 0));
    // After a quiet time the bucket is full again, and not more than full.
    sleep(Duration::from_mins(1)).await;
    let again = Instant::now();
    for n in 0..20 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(times.millis_since(began).len(), 230);
    assert_eq!((*times.0.lock().unwrap().last().unwrap() - again).as_millis(), 100);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", rate_limit(per_second = 10, burst = 1), retries = 4, backoff = none)]
async fn fails_at_first(_task: Task, times: State<Times>) -> Result<(), std::io::Error> {
    if times.note().is_multiple_of(5) { Ok(()) } else { Err(std::io::Error::other("not yet")) }
}

#[subscriber(topic = "task.created", ordered, rate_limit(per_second = 10, burst = 1), retries = 4, backoff = none)]
async fn fails_in_place(_task: Task, times: State<Times>) -> Result<(), std::io::Error> {
    if times.note().is_multiple_of(5) { Ok(()) } else { Err(std::io::Error::other("not yet")) }
}

#[tokio::test(start_paused = true)]
async fn a_retry_counts_as_much_as_any_attempt() {
    for app in [App::only::<(fails_at_first,)>(), App::only::<(fails_in_place,)>()] {
        let app = TestApp::start(app.provide(Times::default())).await.unwrap();
        let times = app.running().scope().get::<Times>().unwrap();
        let began = Instant::now();
        app.publish(&task("a")).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(times.millis_since(began), [0, 100, 200, 300, 400]);
        app.shutdown().await.unwrap();
    }
}

#[subscriber(topic = "task.created", order_by = key, concurrency = 5, rate_limit(per_second = 20, burst = 2))]
async fn lanes(_task: Task, times: State<Times>) {
    times.note();
}

#[tokio::test(start_paused = true)]
async fn lanes_share_one_bucket() {
    let app = TestApp::start(App::only::<(lanes,)>().provide(Times::default())).await.unwrap();
    let times = app.running().scope().get::<Times>().unwrap();
    let began = Instant::now();
    for n in 0..42 {
        app.publish(&keyed(n.to_string(), "x")).await.unwrap();
    }
    app.wait_quiet().await;
    let millis = times.millis_since(began);
    assert_eq!((millis.len(), millis[1], millis[2], millis[41]), (42, 0, 50, 2_000));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_token_ends_at_once() {
    let slow = "[subscriber.limited.rate_limit]\nper_second = 1\nburst = 1";
    let app = App::only::<(limited,)>().config_text("swit.toml", slow).provide(Times::default());
    let app = TestApp::start(app).await.unwrap();
    for n in 0..20 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(2_500)).await;
    assert_eq!(app.attempts("limited"), 3);
    let began = Instant::now();
    app.running().handle().unsubscribe("limited").await.unwrap();
    assert!(began.elapsed() < Duration::from_millis(10), "{:?}", began.elapsed());
    let inspect = app.running().inspect("default").unwrap();
    let queue = inspect.queues().into_iter().find(|queue| queue.ends_with(".limited")).unwrap();
    assert_eq!(inspect.depth(&queue), Some(17));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn configuration_lifts_it_and_policies_give_it() {
    let app = App::only::<(limited,)>().config_text("swit.toml", "[subscriber.limited]\nrate_limit = false");
    let app = TestApp::start(app.provide(Times::default())).await.unwrap();
    let handle = app.running().handle();
    let policies = Policies::new().rate_limit(10, 5);
    handle
        .subscribe(Subscription::new("task.created").name("late").policies(policies), |_: Task| async {})
        .await
        .unwrap();
    let began = Instant::now();
    for n in 0..105 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(60)).await;
    assert_eq!((app.attempts("limited"), app.attempts("late")), (105, 5));
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_millis(), 10_000);
    app.shutdown().await.unwrap();
}
