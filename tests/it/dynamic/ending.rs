//! Pausing, unsubscribing, deleting: what goes on, what is kept, who waits for whom.

use std::time::Duration;

use swit::{
    App, Error, Handle, Remaining, State, SubscribeError, SubscriberState, Subscription, Unsubscribed, subscriber,
    testing::TestApp, transport::Deleted,
};
use tokio::time::{Instant, sleep};

use crate::support::{Journal, Task, keyed, task};

#[subscriber(topic = "task.created")]
async fn bystander(_task: Task) {}

async fn started(journal: &Journal) -> (TestApp, Handle) {
    let app = TestApp::start(App::only::<(bystander,)>().provide(journal.clone())).await.unwrap();
    let handle = app.running().handle();
    (app, handle)
}

async fn notes(task: Task, journal: State<Journal>) {
    sleep(Duration::from_secs(1)).await;
    journal.note(task.text);
}

fn mine() -> Subscription {
    Subscription::new("task.created").name("mine")
}

#[tokio::test(start_paused = true)]
async fn unsubscribing_drains_and_keeps_what_was_not_begun() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    handle.subscribe(mine().concurrency(2), notes).await.unwrap();
    let queue = handle.list()[1].queue.clone();
    for n in 0..6 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    let began = Instant::now();
    let draining = tokio::spawn({
        let handle = handle.clone();
        async move { handle.unsubscribe("mine").await }
    });
    sleep(Duration::from_millis(1)).await;
    assert_eq!(handle.list()[1].state, SubscriberState::Draining);
    assert!(matches!(handle.subscribe(mine(), notes).await, Err(Error::NotSubscribed(SubscribeError::Busy { .. }))));
    assert!(handle.unsubscribe("mine").await.is_err() && handle.pause("mine").is_err());
    let drained = draining.await.unwrap().unwrap();
    assert_eq!(drained, Unsubscribed::Drained { unfinished: 0, queue: None });
    assert_eq!(began.elapsed().as_millis(), 500);
    assert_eq!(journal.lines(), ["0", "1"]);
    assert_eq!(app.running().inspect("default").unwrap().depth(&queue), Some(4));
    assert_eq!(handle.list().len(), 1);
    // It grows, and whoever subscribes again finds all of it; others would be surprised.
    app.publish(&task("6")).await.unwrap();
    let other = handle.subscribe(mine().topic("other"), notes).await;
    assert!(matches!(other, Err(Error::NotSubscribed(SubscribeError::Kept { .. }))), "{other:?}");
    handle.subscribe(mine(), notes).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["0", "1", "2", "3", "4", "5", "6"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_deleted_with_what_is_in_it_only_when_told() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    for (remaining, expected) in [(Remaining::Keep, Deleted::HoldsMessages(2)), (Remaining::Delete, Deleted::Gone(2))] {
        handle.subscribe(mine(), notes).await.unwrap();
        let (queue, letters) = (handle.list()[1].queue.clone(), handle.list()[1].dead_letter.clone().unwrap());
        app.wait_quiet().await;
        handle.pause("mine").unwrap();
        for n in 0..2 {
            app.publish(&task(n.to_string())).await.unwrap();
        }
        let answer = handle.unsubscribe_and_delete("mine", remaining).await.unwrap();
        assert_eq!(answer, Unsubscribed::Drained { unfinished: 0, queue: Some(expected) });
        let is_there = expected == Deleted::HoldsMessages(2);
        assert_eq!(app.running().inspect("default").unwrap().depth(&queue), is_there.then_some(2));
        assert_eq!(app.running().inspect("default").unwrap().depth(&letters), Some(0));
    }
    assert_eq!(journal.lines(), ["0", "1"]);
    // Nothing of it is left that another subscription would have to be like.
    handle.subscribe(mine().topic("other"), notes).await.unwrap();
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_unsubscribes_itself_does_not_wait_for_itself() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    let suicidal = |_: Task, handle: Handle, journal: State<Journal>| async move {
        let answer = handle.unsubscribe("mine").await;
        journal.note(format!("{answer:?}"));
    };
    handle.subscribe(mine(), suicidal).await.unwrap();
    let began = Instant::now();
    for _ in 0..2 {
        app.publish(&task("x")).await.unwrap();
    }
    while handle.list().len() > 1 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(journal.lines(), ["Ok(Draining)"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn handlers_that_unsubscribe_each_other_wait_for_nobody() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    for (name, other) in [("a", "b"), ("b", "a")] {
        let handler = move |_: Task, handle: Handle, journal: State<Journal>| async move {
            sleep(Duration::from_millis(10)).await;
            let answer = handle.unsubscribe(other).await;
            journal.note(format!("{answer:?}"));
        };
        handle.subscribe(Subscription::new("task.created").name(name), handler).await.unwrap();
    }
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    while handle.list().len() > 1 {
        sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(journal.lines(), ["Ok(Draining)", "Ok(Draining)"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_is_paused_begins_nothing_and_holds_nothing() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    let by_key = mine().concurrency(3).ordered_by_key();
    handle.subscribe(by_key, notes).await.unwrap();
    let queue = handle.list()[1].queue.clone();
    for n in 0..9 {
        app.publish(&keyed((n % 3).to_string(), n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    handle.pause("mine").unwrap();
    handle.pause("mine").unwrap();
    assert_eq!(handle.list()[1].state, SubscriberState::Paused);
    // What runs runs on; the rest lies in the queue, for whoever looks, and nobody waits for it.
    app.wait_quiet().await;
    let handled = journal.lines().len();
    assert!(handled <= 3, "{:?}", journal.lines());
    sleep(Duration::from_hours(1)).await;
    let inspect = app.running().inspect("default").unwrap();
    assert_eq!(inspect.browse(&queue, 100).len(), 9 - handled);
    assert_eq!(journal.lines().len(), handled);
    handle.resume("mine").unwrap();
    assert_eq!(handle.list()[1].state, SubscriberState::Consuming);
    app.wait_quiet().await;
    for key in 0..3 {
        let of_key: Vec<u32> = journal.lines().iter().map(|n| n.parse().unwrap()).filter(|n| n % 3 == key).collect();
        assert_eq!(of_key, [key, key + 3, key + 6]);
    }
    handle.pause("mine").unwrap();
    app.publish(&task("left")).await.unwrap();
    let began = Instant::now();
    app.shutdown().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "nobody waits for what lies before a paused subscriber");
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_hurries_what_drains_and_takes_nobody_new() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    let slow = |_: Task| async { sleep(Duration::from_secs(25)).await };
    handle.subscribe(mine(), slow).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    let draining = tokio::spawn({
        let handle = handle.clone();
        async move { handle.unsubscribe("mine").await }
    });
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    let shutdown = tokio::spawn(app.shutdown_within(Duration::from_secs(4)));
    sleep(Duration::from_millis(10)).await;
    let late = handle.subscribe(mine().name("late"), slow).await;
    assert!(matches!(late, Err(Error::NotSubscribed(SubscribeError::Closed { .. }))), "{late:?}");
    let ended = shutdown.await.unwrap();
    assert!(matches!(ended, Err(Error::Drain { unfinished: 1, .. })), "{ended:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(draining.await.unwrap().unwrap(), Unsubscribed::Drained { unfinished: 1, queue: None });
}
