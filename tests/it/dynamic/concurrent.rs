//! Many tasks that subscribe, unsubscribe, pause and resume at once, while messages flow: none is lost.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{App, Error, Handle, SubscribeError, SubscriberState, Subscription, subscriber, testing::TestApp};
use tokio::{task::JoinSet, time::sleep};

use crate::support::{Task, keyed};

#[subscriber(topic = "task.created")]
async fn steady(_task: Task) {}

/// What each subscriber has handled, by name and text.
type Ledger = Arc<Mutex<BTreeMap<(String, String), u32>>>;

/// A generator that a seed repeats, `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

const NAMES: [&str; 3] = ["one", "two", "three"];

async fn subscribe(handle: &Handle, name: &'static str, ledger: &Ledger) -> swit::Result<()> {
    let ledger = ledger.clone();
    let handler = move |task: Task| {
        let ledger = ledger.clone();
        async move {
            sleep(Duration::from_millis(3)).await;
            *ledger.lock().unwrap().entry((name.to_owned(), task.text)).or_default() += 1;
        }
    };
    let subscription = Subscription::new("task.created").name(name);
    let subscription = match name {
        "one" => subscription.concurrency(4),
        "two" => subscription.ordered(),
        _ => subscription.concurrency(3).ordered_by_key(),
    };
    handle.subscribe(subscription, handler).await
}

/// Only what may be answered when others are at the same name.
fn allowed(answer: swit::Result<impl Sized>) {
    match answer {
        Ok(_)
        | Err(Error::NotSubscribed(
            SubscribeError::Taken { .. } | SubscribeError::Busy { .. } | SubscribeError::Unknown { .. },
        )) => {}
        Err(error) => panic!("{error}"),
    }
}

async fn storm(seed: u64) {
    let app = Arc::new(TestApp::start(App::only::<(steady,)>()).await.unwrap());
    let handle = app.running().handle();
    let ledger = Ledger::default();
    for name in NAMES {
        subscribe(&handle, name, &ledger).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for changer in 0..6 {
        let (handle, ledger) = (handle.clone(), ledger.clone());
        tasks.spawn(async move {
            let mut random = Random(seed ^ (changer << 32));
            for _ in 0..40 {
                let name = NAMES[usize::try_from(random.below(3)).unwrap()];
                match random.below(5) {
                    0 => allowed(subscribe(&handle, name, &ledger).await),
                    1 => allowed(handle.unsubscribe(name).await),
                    2 => allowed(handle.pause(name)),
                    3 => allowed(handle.resume(name)),
                    _ => {
                        // A call that is dropped halfway leaves nothing behind.
                        let wait = Duration::from_micros(random.below(3_000));
                        if let Ok(answer) = tokio::time::timeout(wait, handle.unsubscribe(name)).await {
                            allowed(answer);
                        }
                    }
                }
                sleep(Duration::from_millis(random.below(10))).await;
            }
        });
    }
    tasks.spawn({
        let app = app.clone();
        async move {
            let mut random = Random(seed.rotate_left(17));
            for n in 0..300 {
                app.publish(&keyed((n % 7).to_string(), n.to_string())).await.unwrap();
                sleep(Duration::from_micros(random.below(2_000))).await;
            }
        }
    });
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    // Whoever still drains ends; then all go on.
    while handle.list().iter().any(|one| one.state == SubscriberState::Draining) {
        sleep(Duration::from_millis(1)).await;
    }
    for name in NAMES {
        allowed(subscribe(&handle, name, &ledger).await);
        handle.resume(name).unwrap();
    }
    app.wait_quiet().await;
    let ledger = ledger.lock().unwrap().clone();
    for name in NAMES {
        for n in 0..300 {
            let count = ledger.get(&(name.to_owned(), n.to_string())).copied().unwrap_or_default();
            assert_eq!(count, 1, "seed {seed}: {name} handled {n} {count} times");
        }
    }
    assert_eq!(app.attempts("steady"), 300);
    let mut names: Vec<_> = handle.list().into_iter().map(|one| one.name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["one", "steady", "three", "two"]);
    Arc::try_unwrap(app).unwrap().shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_while_everything_changes() {
    let seeds = match std::env::var("SWIT_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (1..=8).collect(),
    };
    for seed in seeds {
        storm(seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_on_several_threads() {
    storm(77).await;
}

#[tokio::test(start_paused = true)]
async fn of_many_who_want_a_name_one_has_it() {
    let app = TestApp::start(App::only::<(steady,)>()).await.unwrap();
    let handle = app.running().handle();
    let ledger = Ledger::default();
    let mut tasks = JoinSet::new();
    for _ in 0..20 {
        let (handle, ledger) = (handle.clone(), ledger.clone());
        tasks.spawn(async move { subscribe(&handle, "one", &ledger).await.is_ok() });
    }
    assert_eq!(tasks.join_all().await.into_iter().filter(|made| *made).count(), 1);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_dropped_leaves_no_tasks() {
    #[expect(dead_code, reason = "only dropped")]
    struct Told(tokio::sync::mpsc::UnboundedSender<()>);
    let app = TestApp::start(App::only::<(steady,)>()).await.unwrap();
    let handle = app.running().handle();
    let (told, mut dropped) = tokio::sync::mpsc::unbounded_channel();
    let told = Arc::new(Told(told));
    let waits = move |_: Task| {
        let told = told.clone();
        async move {
            std::future::pending::<()>().await;
            drop(told);
        }
    };
    handle.subscribe(Subscription::new("task.created").name("waits"), waits).await.unwrap();
    app.publish(&keyed("k", "x")).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    let draining = tokio::spawn({
        let handle = handle.clone();
        async move { handle.unsubscribe("waits").await }
    });
    sleep(Duration::from_millis(10)).await;
    drop(app);
    // Its closure goes away with its last task, and the sender in it.
    assert_eq!(tokio::time::timeout(Duration::from_secs(1), dropped.recv()).await, Ok(None));
    assert!(draining.await.unwrap().is_err());
    assert!(handle.list().is_empty());
}
