//! What can't be subscribed, and what is said of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use swit::{
    App, Error, Event, Policies, State, SubscribeError, SubscriberState, Subscription, TransportError, subscriber,
    testing::TestApp,
    transport::{self, BoxFuture, Capabilities, Queue, SubscribeOptions, Transport},
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::time::{sleep, timeout};

use crate::support::{Journal, Task, task};

#[subscriber(topic = "task.created")]
async fn there_already(_task: Task) {}

struct Ledger;

#[derive(Debug, serde::Serialize, serde::Deserialize, Event)]
#[event(topic = "refused.other", version = 1)]
struct Other {}

fn refused(answer: swit::Result<()>) -> SubscribeError {
    match answer {
        Err(Error::NotSubscribed(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_wrong_is_said_at_once() {
    let app = TestApp::start(App::only::<(there_already,)>()).await.unwrap();
    let handle = app.running().handle();
    let wrong = Subscription::new("task..created")
        .topic("task.*")
        .topic("task.*")
        .name("bad name")
        .group("bad group")
        .concurrency(4)
        .prefetch(2)
        .ordered()
        .no_ack()
        .transport("elsewhere")
        .policies(Policies::new().retries(101).timeout(Duration::ZERO).dead_letter(""));
    let error =
        refused(handle.subscribe(wrong, |_: Other, _: Task, _: State<Ledger>, _: State<Journal>| async {}).await);
    let text = error.to_string();
    for part in [
        "empty word",
        "`task.*` is given twice",
        "the name `bad name` holds",
        "the name `bad group` holds",
        "`prefetch` (2) is below `concurrency` (4)",
        "`ordered` handles one message at a time",
        "no transport `elsewhere`",
        "`retries` is 101",
        "`timeout` is zero",
        "more than one argument reads the payload",
        "takes `Other` of topic \"refused.other\", which none of its topics covers",
        "`bad name` takes `State<it::dynamic::refused::Ledger>`, which nothing provides",
        "Journal>`, which nothing provides",
        "refused.rs:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // Nothing was made.
    assert_eq!(handle.list().len(), 1);
    assert_eq!(app.running().inspect("default").unwrap().queues().len(), 2);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn names_are_had_once() {
    let app = TestApp::start(App::only::<(there_already,)>()).await.unwrap();
    let handle = app.running().handle();
    let subscribe = async |name: &'static str| {
        handle.subscribe(Subscription::new("task.created").name(name), |_: Task| async {}).await
    };
    assert!(matches!(refused(subscribe("there-already").await), SubscribeError::Taken { .. }));
    subscribe("mine").await.unwrap();
    assert!(matches!(refused(subscribe("mine").await), SubscribeError::Taken { .. }));
    let unknown = handle.pause("min").unwrap_err().to_string();
    assert_eq!(unknown, "there is no subscriber `min`; did you mean `mine`?");
    assert!(handle.unsubscribe("nobody").await.is_err() && handle.resume("nobody").is_err());
    // Another's queue, and another's dead letters, are theirs.
    let own = Subscription::new("x").name("other").policies(Policies::new().dead_letter("it.mine"));
    let group = handle.list()[1].queue.strip_suffix(".mine").unwrap().to_owned();
    let own = own.policies(Policies::new().dead_letter(format!("{group}.mine")));
    let clash = refused(handle.subscribe(own, |_: bytes::Bytes| async {}).await).to_string();
    assert!(clash.contains("is the queue of `mine`"), "{clash}");
    // Its dead letters may be consumed.
    let letters = Subscription::of_queue(format!("{group}.mine.dlq")).name("letters");
    handle.subscribe(letters, |_: bytes::Bytes| async {}).await.unwrap();
    assert!(matches!(
        handle.unsubscribe_and_delete("letters", swit::Remaining::Delete).await,
        Err(Error::NotSubscribed(SubscribeError::NotOurs { .. }))
    ));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_settles_must_be_clear() {
    let app = TestApp::start(App::only::<(there_already,)>()).await.unwrap();
    let handle = app.running().handle();
    let by_hand = |ack: swit::Ack| async move { ack.ack() };
    let unsaid = refused(handle.subscribe(Subscription::new("x"), by_hand).await).to_string();
    assert!(unsaid.contains("takes `Ack`, but does not settle by hand"), "{unsaid}");
    let nobody = refused(handle.subscribe(Subscription::new("x").manual_ack(), || async {}).await).to_string();
    assert!(nobody.contains("takes no `Ack`"), "{nobody}");
    handle.subscribe(Subscription::new("x").manual_ack(), by_hand).await.unwrap();
    app.shutdown().await.unwrap();
}

/// A transport whose declarations take an hour, or fail, and from which nothing may be consumed for a while.
#[derive(Debug)]
struct Reluctant {
    inner: MemoryTransport,
    fails: AtomicBool,
    silent: AtomicBool,
}

impl Reluctant {
    fn new() -> Self {
        let inner = MemoryTransport::new("default", MemoryOptions::default());
        Self { inner, fails: AtomicBool::new(false), silent: AtomicBool::new(false) }
    }
}

impl Transport for Reluctant {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.inner.connect()
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            sleep(Duration::from_hours(1)).await;
            if self.fails.load(Ordering::Relaxed) {
                return Err(TransportError::new("default", "declare", "not now"));
            }
            self.inner.declare(queues).await
        })
    }

    fn subscribe(
        &self,
        options: SubscribeOptions,
    ) -> BoxFuture<'_, Result<Arc<dyn transport::Subscription>, TransportError>> {
        if self.silent.load(Ordering::Relaxed) {
            return Box::pin(async { Err(TransportError::new("default", "subscribe", "not now")) });
        }
        self.inner.subscribe(options)
    }

    fn inspect(&self) -> Option<&dyn transport::Inspect> {
        self.inner.inspect()
    }

    fn publisher(&self) -> Arc<dyn transport::Publish> {
        self.inner.publisher()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_not_subscribed_leaves_no_name_behind() {
    let reluctant = Arc::new(Reluctant::new());
    let running = App::only::<(there_already,)>().transport(reluctant.clone()).start().await.unwrap();
    let handle = running.handle();
    let subscribe = || handle.subscribe(Subscription::new("task.created").name("mine"), |_: Task| async {});

    // One that is dropped halfway.
    let dropped = timeout(Duration::from_mins(1), async {
        tokio::join!(subscribe(), async {
            sleep(Duration::from_secs(1)).await;
            assert_eq!(handle.list()[1].state, SubscriberState::Starting);
            assert!(matches!(refused(subscribe().await), SubscribeError::Taken { .. }));
            assert!(matches!(refused(handle.pause("mine")), SubscribeError::Busy { .. }));
        })
    });
    assert!(dropped.await.is_err());
    assert_eq!(handle.list().len(), 1);

    // One that the broker refuses.
    reluctant.fails.store(true, Ordering::Relaxed);
    let answer = subscribe().await;
    assert!(matches!(&answer, Err(Error::Transport(error)) if error.reason == "not now"), "{answer:?}");
    assert_eq!(handle.list().len(), 1);
    reluctant.fails.store(false, Ordering::Relaxed);
    subscribe().await.unwrap();
    assert_eq!(handle.list().len(), 2);

    // One that the shutdown overtakes.
    let (answer, ended) =
        tokio::join!(handle.subscribe(Subscription::new("task.created").name("late"), |_: Task| async {}), async {
            sleep(Duration::from_secs(1)).await;
            running.shutdown().await
        });
    assert!(matches!(refused(answer), SubscribeError::Closed { .. }));
    ended.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_was_declared_in_vain_is_known_to_be_there() {
    let reluctant = Arc::new(Reluctant::new());
    let running = App::only::<(there_already,)>().transport(reluctant.clone()).start().await.unwrap();
    let handle = running.handle();
    let mine = || Subscription::new("task.created").name("mine");
    reluctant.silent.store(true, Ordering::Relaxed);
    let answer = handle.subscribe(mine(), |_: Task| async {}).await;
    assert!(matches!(&answer, Err(Error::Transport(error)) if error.reason == "not now"), "{answer:?}");
    reluctant.silent.store(false, Ordering::Relaxed);
    running.publisher().unwrap().publish(&task("waits")).await.unwrap();
    let queue = format!("{}.mine", running.scope().service().name);
    assert_eq!(running.inspect("default").unwrap().depth(&queue), Some(1), "it receives its topics");
    // With other topics it would get what it did not ask for; as it was declared it finds what waited.
    let other = refused(handle.subscribe(mine().topic("other"), |_: Task| async {}).await);
    assert!(matches!(other, SubscribeError::Kept { .. }), "{other:?}");
    handle.subscribe(mine(), |_: Task| async {}).await.unwrap();
    running.wait_quiet().await;
    assert_eq!(handle.list()[1].counts.succeeded, 1);
    running.shutdown().await.unwrap();
}
