//! Manual and no acknowledgement.

use std::{sync::Mutex, time::Duration};

use swit::{Ack, App, Metadata, State, subscriber, testing::TestApp};
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

#[derive(Default)]
struct Kept(Mutex<Vec<Ack>>);

#[subscriber(topic = "task.created", ack = "manual", retries = 2, backoff = none)]
async fn settles(
    task: Task,
    meta: Metadata,
    ack: Ack,
    journal: State<Journal>,
    kept: State<Kept>,
) -> Result<(), std::io::Error> {
    journal.note(format!("{} {}", task.text, meta.attempt));
    match task.text.as_str() {
        "requeue" if journal.lines().len() == 1 => ack.requeue(),
        "retry" => ack.retry(Duration::from_secs(5)).await.map_err(std::io::Error::other)?,
        "bury" => ack.dead_letter("unfit").await,
        "drop" if journal.lines().len() == 1 => drop(ack),
        "fail" => return Err(std::io::Error::other("failed with the ack in hand")),
        "keep" => kept.0.lock().unwrap().push(ack),
        _ => ack.ack(),
    }
    Ok(())
}

async fn start(journal: &Journal) -> TestApp {
    TestApp::start(App::only::<(settles,)>().provide(journal.clone()).provide(Kept::default())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn acknowledged_and_requeued() {
    for (text, lines) in [("ack", vec!["ack 1"]), ("requeue", vec!["requeue 1", "requeue 1"])] {
        let journal = Journal::default();
        let app = start(&journal).await;
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(journal.lines(), lines);
        app.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_an_attempt_of_the_one_budget() {
    let journal = Journal::default();
    let app = start(&journal).await;
    let began = Instant::now();
    app.publish(&task("retry")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["retry 1", "retry 2", "retry 3"]);
    assert_eq!(began.elapsed().as_secs(), 10);
    let dead = app.dead_letters("settles");
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts), ("max_retries_exceeded", 3));
    let counts = app.stats_of("settles").unwrap().counts;
    assert_eq!((counts.retries, counts.dead_lettered), (2, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dead_lettered_by_hand() {
    let journal = Journal::default();
    let app = start(&journal).await;
    app.publish(&task("bury")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("settles")[0].reason, "unfit");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn dropped_without_an_error_it_comes_back_with_one_the_policy_applies() {
    let journal = Journal::default();
    let app = start(&journal).await;
    app.publish(&task("drop")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["drop 1", "drop 1"]);
    app.publish(&task("fail")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("settles")[0].error, "failed with the ack in hand");
    assert_eq!(app.dead_letters("settles")[0].attempts, 3);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kept_beyond_the_handler_it_still_settles() {
    let journal = Journal::default();
    let app = start(&journal).await;
    app.publish(&task("keep")).await.unwrap();
    while journal.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    let kept = app.running().scope().get::<Kept>().unwrap();
    let depth = || app.running().inspect("default").unwrap().depth("service.settles");
    while kept.0.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(depth(), Some(1));
    let ack = kept.0.lock().unwrap().pop().unwrap();
    ack.ack();
    app.wait_quiet().await;
    assert_eq!(depth(), Some(0));
    assert_eq!(journal.lines(), ["keep 1"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn kept_beyond_the_service_it_settles_nothing_and_returns() {
    for bury in [true, false] {
        let journal = Journal::default();
        let app = start(&journal).await;
        app.publish(&task("keep")).await.unwrap();
        let kept = app.running().scope().get::<Kept>().unwrap();
        while kept.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        app.shutdown_within(Duration::from_secs(1)).await.unwrap();
        let ack = kept.0.lock().unwrap().pop().unwrap();
        let began = Instant::now();
        if bury {
            ack.dead_letter("unfit").await;
        } else {
            ack.retry(Duration::from_mins(1)).await.unwrap();
        }
        assert_eq!(began.elapsed().as_secs(), 0);
    }
}

#[subscriber(topic = "task.created", ack = "none")]
async fn at_most_once(task: Task) -> Result<(), std::io::Error> {
    if task.text == "fail" { Err(std::io::Error::other("gone")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn without_acknowledgement_a_failure_is_the_end() {
    let app = TestApp::start(App::only::<(at_most_once,)>()).await.unwrap();
    app.publish(&task("fail")).await.unwrap();
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    let counts = app.stats_of("at-most-once").unwrap().counts;
    assert_eq!((counts.attempts, counts.succeeded, counts.discarded, counts.retries), (2, 1, 1, 0));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", ack = "manual", order_by = key, concurrency = 2, retries = 1)]
async fn settles_in_order(task: Task, meta: Metadata, ack: Ack, journal: State<Journal>) {
    let seen = journal.lines().len();
    journal.note(format!("{} {}", task.text, meta.attempt));
    match task.text.as_str() {
        "drop" if seen == 0 => drop(ack),
        "retry" if meta.attempt == 1 => ack.retry(Duration::from_millis(100)).await.unwrap(),
        _ => ack.ack(),
    }
}

#[tokio::test(start_paused = true)]
async fn an_ordered_manual_handler_loses_nothing_either() {
    for (text, lines) in [("drop", ["drop 1", "drop 1"]), ("retry", ["retry 1", "retry 2"])] {
        let journal = Journal::default();
        let app = TestApp::start(App::only::<(settles_in_order,)>().provide(journal.clone())).await.unwrap();
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(journal.lines(), lines);
        app.shutdown().await.unwrap();
    }
}
