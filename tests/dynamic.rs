//! Subscribers that are made, paused and ended while a service runs, on a real broker: none of its messages is lost.
#![expect(clippy::unwrap_used, clippy::unused_async, reason = "tests; handlers are async whether or not they wait")]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use swit::{
    App, Event, Handle, Remaining, Subscription, Unsubscribed, subscriber,
    transport::{Deleted, Transport},
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::broker::Broker;
use tokio::time::{Instant, sleep};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "line.written", version = 1, unrouted = "ignore")]
struct Line {
    number: u32,
}

#[subscriber(topic = "line.written")]
async fn reads_always(_line: Line) {}

type Ledger = Arc<Mutex<BTreeMap<(&'static str, u32), u32>>>;

fn app(name: &str) -> App {
    let mut options = RabbitMqOptions::new(Address::parse(&Broker::shared().url(), false).unwrap());
    options.exchange = format!("dynamic.{name}").into();
    let transport: Arc<dyn Transport> = Arc::new(RabbitMqTransport::new("default", options));
    App::only::<(reads_always,)>().service(name.to_owned(), "1").transport(transport)
}

async fn subscribe(handle: &Handle, name: &'static str, ledger: &Ledger) {
    let ledger = ledger.clone();
    let handler = move |line: Line| {
        let ledger = ledger.clone();
        async move {
            sleep(Duration::from_millis(2)).await;
            *ledger.lock().unwrap().entry((name, line.number)).or_default() += 1;
        }
    };
    let subscription = Subscription::new("line.*").name(name).prefetch(40);
    let subscription = match name {
        "one" => subscription.concurrency(8),
        "two" => subscription.ordered(),
        _ => subscription.concurrency(4).ordered_by_key(),
    };
    handle.subscribe(subscription, handler).await.unwrap();
}

const NAMES: [&str; 3] = ["one", "two", "three"];
const LINES: u32 = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_everything_changes() {
    let running = app("storm").start().await.unwrap();
    let (handle, ledger) = (running.handle(), Ledger::default());
    for name in NAMES {
        subscribe(&handle, name, &ledger).await;
    }
    let publisher = running.publisher().unwrap();
    let publishing = tokio::spawn(async move {
        for number in 0..LINES {
            publisher.publish(&Line { number }).await.unwrap();
        }
    });
    let changing = NAMES.map(|name| {
        let (handle, ledger) = (handle.clone(), ledger.clone());
        tokio::spawn(async move {
            for round in 0..12_u64 {
                sleep(Duration::from_millis(20 + 7 * (round % 5))).await;
                if round % 3 == 2 {
                    let ended = handle.unsubscribe(name).await.unwrap();
                    assert_eq!(ended, Unsubscribed::Drained { unfinished: 0, queue: None });
                    subscribe(&handle, name, &ledger).await;
                } else {
                    handle.pause(name).unwrap();
                    sleep(Duration::from_millis(3 * (round % 7))).await;
                    handle.resume(name).unwrap();
                }
            }
        })
    });
    for changing in changing {
        changing.await.unwrap();
    }
    publishing.await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let missing = || {
        let ledger = ledger.lock().unwrap();
        let all = NAMES.into_iter().flat_map(|name| (0..LINES).map(move |number| (name, number)));
        all.filter(|key| !ledger.contains_key(key)).collect::<Vec<_>>()
    };
    while !missing().is_empty() {
        assert!(Instant::now() < deadline, "never handled: {:?}", missing());
        sleep(Duration::from_millis(20)).await;
    }
    let twice: Vec<_> = ledger.lock().unwrap().iter().filter(|(_, count)| **count > 1).map(|(key, _)| *key).collect();
    assert!(twice.is_empty(), "no connection was lost, and nothing was given up, so nothing comes twice: {twice:?}");
    running.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_paused_leaves_its_messages_to_other_instances() {
    let ledger = Ledger::default();
    let (first, second) = (app("pair").start().await.unwrap(), app("pair").start().await.unwrap());
    subscribe(&first.handle(), "one", &ledger).await;
    first.handle().pause("one").unwrap();
    let publisher = first.publisher().unwrap();
    for number in 0..100 {
        publisher.publish(&Line { number }).await.unwrap();
    }
    subscribe(&second.handle(), "one", &ledger).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while ledger.lock().unwrap().len() < 100 {
        assert!(Instant::now() < deadline, "{:?}", ledger.lock().unwrap().len());
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(first.handle().list()[1].counts.attempts, 0);
    // Another instance consumes the queue: it is left as it is.
    let answer = first.handle().unsubscribe_and_delete("one", Remaining::Delete).await.unwrap();
    assert_eq!(answer, Unsubscribed::Drained { unfinished: 0, queue: Some(Deleted::IsConsumed) });
    let answer = second.handle().unsubscribe_and_delete("one", Remaining::Keep).await.unwrap();
    assert_eq!(answer, Unsubscribed::Drained { unfinished: 0, queue: Some(Deleted::Gone(0)) });
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
}
