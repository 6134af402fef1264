//! Dead letters of a service that runs, dealt with from inside of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use swit::{App, Clock, Message, State, dead_letters::Selection, subscriber, testing::TestApp};

use crate::support::{Journal, Task, task};

const QUEUE: &str = "service.mends.dlq";

/// Whether what was broken is mended.
#[derive(Debug, Default)]
struct Mended(AtomicBool);

#[subscriber(topic = "task.created", retries = 0)]
async fn mends(task: Task, mended: State<Mended>, journal: State<Journal>) -> Result<(), std::io::Error> {
    if mended.0.load(Ordering::Relaxed) {
        journal.note(task.text);
        return Ok(());
    }
    Err(std::io::Error::other(format!("{} is broken", task.text)))
}

#[subscriber(topic = "task.*", retries = 0)]
async fn sees_everything(_task: Task) {}

struct Rig {
    app: TestApp,
    mended: Arc<Mended>,
    journal: Journal,
}

/// A service with these tasks given up, and one that can't be read.
async fn given_up(texts: &[&str], clock: Clock) -> Rig {
    let (mended, journal) = (Arc::new(Mended::default()), Journal::default());
    let app = App::only::<(mends, sees_everything)>().provide_shared(mended.clone()).provide(journal.clone());
    let app = TestApp::start(app.clock(clock)).await.unwrap();
    for text in texts {
        app.publish(&task(*text)).await.unwrap();
    }
    app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    app.wait_quiet().await;
    Rig { app, mended, journal }
}

#[tokio::test(start_paused = true)]
async fn they_are_counted_and_read_where_they_lie() {
    let rig = given_up(&["a", "b"], Clock::SYSTEM).await;
    let letters = rig.app.running().dead_letters("default").unwrap();
    assert!(rig.app.running().dead_letters("nowhere").is_none());
    assert_eq!(letters.count("nowhere").await.unwrap(), None);
    let summary = letters.summary(QUEUE, 100).await.unwrap();
    let reasons: Vec<_> = summary.reasons.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!((summary.count, &reasons[..]), (3, &[("invalid_input", 1), ("max_retries_exceeded", 2)][..]));
    let mut errors = Vec::new();
    for _ in 0..2 {
        letters
            .read(QUEUE, &Selection::all(), 2, |letter| errors.push(letter.error.unwrap().to_string()))
            .await
            .unwrap();
    }
    assert_eq!(errors, ["a is broken", "b is broken", "a is broken", "b is broken"], "nothing was taken");
    rig.app.wait_quiet().await;
    rig.app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_mended_is_replayed_as_new_to_the_one_that_failed() {
    let rig = given_up(&["a", "b", "c"], Clock::SYSTEM).await;
    let letters = rig.app.running().dead_letters("default").unwrap();
    let before = rig.app.attempts("sees-everything");
    rig.mended.0.store(true, Ordering::Relaxed);
    let second = rig.app.calls("mends")[1].message_id.to_string();
    assert_eq!(letters.rehearse(QUEUE, &Selection::all()).await.unwrap().count(), 4);
    let replayed = letters.replay(QUEUE, &Selection::all().id(second.clone()), |_| {}).await.unwrap();
    assert_eq!((replayed.count(), replayed.looked_at), (1, 4));
    rig.app.wait_quiet().await;
    assert_eq!(rig.journal.lines(), ["b"]);
    let last = rig.app.calls("mends").pop().unwrap();
    assert_eq!((last.message_id.to_string(), last.attempt), (second, 1), "the same id, and attempts counted anew");

    let replayed = letters.replay(QUEUE, &Selection::all().reason("max_retries_exceeded"), |_| {}).await.unwrap();
    assert_eq!(replayed.replayed, [("service.mends".into(), 2)].into());
    rig.app.wait_quiet().await;
    assert_eq!(rig.journal.lines(), ["b", "a", "c"]);
    assert_eq!(rig.app.dead_letters("mends").len(), 1, "what was not selected stays");
    assert_eq!(rig.app.attempts("sees-everything"), before, "nobody else saw a replay");
    rig.app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_what_is_still_broken_ends_and_loses_nothing() {
    let rig = given_up(&["a", "b", "c"], Clock::SYSTEM).await;
    let letters = rig.app.running().dead_letters("default").unwrap();
    let replayed = letters.replay(QUEUE, &Selection::all(), |_| {}).await.unwrap();
    assert_eq!((replayed.count(), replayed.kept), (4, 0));
    rig.app.wait_quiet().await;
    let dead = rig.app.dead_letters("mends");
    assert_eq!(dead.len(), 4, "all are dead again");
    assert!(dead.iter().all(|letter| letter.attempts == 1 && letter.message.topic == "task.created"));
    rig.app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn age_is_told_by_the_services_clock() {
    let now = Arc::new(std::sync::Mutex::new(SystemTime::UNIX_EPOCH + Duration::from_hours(24)));
    let clock = now.clone();
    let rig = given_up(&["a"], Clock::injected(move || *clock.lock().unwrap())).await;
    let letters = rig.app.running().dead_letters("default").unwrap();
    let old = Selection::all().older_than(Duration::from_hours(1));
    assert_eq!(letters.purge(QUEUE, &old, u64::MAX, false).await.unwrap().deleted, 0);
    *now.lock().unwrap() += Duration::from_hours(2);
    let letters = rig.app.running().dead_letters("default").unwrap();
    assert_eq!(letters.purge(QUEUE, &old, u64::MAX, true).await.unwrap().deleted, 2);
    let first = letters.purge(QUEUE, &old, 1, false).await.unwrap();
    assert_eq!((first.looked_at, first.deleted), (1, 1), "what came after the count stays");
    assert_eq!(letters.purge(QUEUE, &old, u64::MAX, false).await.unwrap().deleted, 1);
    assert!(rig.app.dead_letters("mends").is_empty());
    rig.app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_cancelled_leaves_all_where_it_was() {
    let rig = given_up(&["a", "b"], Clock::SYSTEM).await;
    let letters = rig.app.running().dead_letters("default").unwrap();
    // On the memory transport nothing is waited for: the first poll would see it through, but for a panic in its middle.
    let all = Selection::all();
    let looking = std::panic::AssertUnwindSafe(letters.read(QUEUE, &all, 10, |_| panic!("stopped")));
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let stopped = std::panic::catch_unwind(move || {
        let mut looking = Box::pin({ looking }.0);
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        looking.as_mut().poll(&mut task).is_ready()
    });
    std::panic::set_hook(hook);
    assert!(stopped.is_err());
    assert_eq!(rig.app.dead_letters("mends").len(), 3);
    rig.app.shutdown().await.unwrap();
}
