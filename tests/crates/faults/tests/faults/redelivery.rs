//! What comes back: suspects among others, what is held too long, what was in work when the connection was lost.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use lapin::{
    BasicProperties,
    options::{BasicGetOptions, BasicRejectOptions},
    types::AMQPValue,
};
use serde::{Deserialize, Serialize};
use swit::{Event, Metadata, State, subscriber};
use swit_testbed::Broker;
use tokio::sync::Notify;

use crate::ground::{self, Foreign, Tally, app, options, table, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "suspected.work", version = 1)]
struct Suspected {
    number: usize,
}

/// Who is at work, and how often each had come back.
#[derive(Debug, Default)]
struct Watched {
    at_work: AtomicUsize,
    together: Mutex<BTreeMap<usize, usize>>,
    redeliveries: Mutex<BTreeMap<usize, Vec<u32>>>,
}

#[subscriber(topic = "suspected.work", concurrency = 8, prefetch = 32)]
async fn work_watched(work: Suspected, meta: Metadata, watched: State<Watched>) {
    let together = watched.at_work.fetch_add(1, Ordering::SeqCst) + 1;
    watched.redeliveries.lock().unwrap().entry(work.number).or_default().push(meta.redeliveries);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let together = together.max(watched.at_work.fetch_sub(1, Ordering::SeqCst));
    watched.together.lock().unwrap().insert(work.number, together);
}

/// A message that came back three times may be one that kills its process. It comes among others: it is handled alone, and
/// nothing is given back for its sake, which the broker would count, for it and for those that lie beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspect_among_others_is_handled_alone() {
    let broker = Broker::shared();
    let mut instances = Vec::new();
    let watched = Arc::new(Watched::default());
    let build = || {
        let transport = ground::transport(options(&broker.url(), "suspected"));
        app::<(work_watched,)>("suspected", &transport).provide_shared(watched.clone())
    };
    // Once, for the queue to be made.
    build().start().await.unwrap().shutdown().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    let send = |number| {
        let body = serde_json::to_vec(&Suspected { number }).unwrap();
        let (foreign, id) = (&foreign, format!("suspected-{number}"));
        async move {
            let properties = BasicProperties::default().with_message_id(id.into());
            foreign.publish("suspected.events", "suspected.work", properties, &body).await;
        }
    };
    send(0).await;
    send(1).await;
    let get = async || {
        let got = foreign.channel.basic_get("suspected.work-watched".into(), BasicGetOptions::default()).await.unwrap();
        got.unwrap().delivery.delivery_tag
    };
    let back = async |tag| {
        foreign.channel.basic_reject(tag, BasicRejectOptions { requeue: true }).await.unwrap();
        // One after the other.
        until("it is back", || broker.queue("suspected.work-watched").unwrap().depth() > 0).await;
    };
    let (first, mut suspect) = (get().await, get().await);
    for _ in 0..2 {
        back(suspect).await;
        suspect = get().await;
    }
    back(first).await;
    back(suspect).await;
    for number in 2..60 {
        send(number).await;
    }
    for _ in 0..3 {
        instances.push(build().start().await.unwrap());
    }
    until("all are done", || watched.together.lock().unwrap().len() == 60).await;
    let together = watched.together.lock().unwrap().clone();
    let redeliveries = watched.redeliveries.lock().unwrap().clone();
    assert_eq!(redeliveries[&0], [1]);
    assert_eq!(redeliveries[&1], [3]);
    assert!(redeliveries.range(2..).all(|(_, counts)| counts == &[0]), "{redeliveries:?}");
    let counts: Vec<_> = instances.iter().map(|instance| instance.stats()[0].counts.clone()).collect();
    if counts.iter().filter(|counts| counts.succeeded > 0).count() == 1 {
        assert_eq!(together[&1], 1, "alone in its process");
    }
    assert!(together.values().any(|together| *together > 1), "the others are handled together: {together:?}");
    for instance in instances {
        instance.shutdown().await.unwrap();
    }
    assert_eq!(broker.queue_depth("suspected.work-watched.dlq"), Some(0));
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "claimed.work", version = 1)]
struct Claimed {
    number: u32,
}

#[subscriber(topic = "claimed.work")]
async fn work_claimed(work: Claimed, meta: Metadata, tally: State<Tally>) {
    tally.add(format!("{} {}", work.number, meta.redeliveries));
}

/// Whoever publishes can write the header in which the broker counts. Of a message that never came back it says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_of_redeliveries_that_the_sender_wrote_is_not_believed() {
    let broker = Broker::shared();
    let tally = Arc::new(Tally::default());
    let transport = ground::transport(options(&broker.url(), "claimed"));
    let running = app::<(work_claimed,)>("claimed", &transport).provide_shared(tally.clone()).start().await.unwrap();
    let foreign = Foreign::connect(&broker.url()).await;
    for number in [3_u32, 32] {
        let headers = table(&[("x-delivery-count", AMQPValue::LongLongInt(i64::from(number)))]);
        let body = serde_json::to_vec(&Claimed { number }).unwrap();
        let properties = BasicProperties::default().with_headers(headers);
        foreign.publish("claimed.events", "claimed.work", properties, &body).await;
    }
    until("both are handled", || tally.len() == 2).await;
    assert_eq!(tally.all().into_keys().collect::<Vec<_>>(), ["3 0", "32 0"]);
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "held.work", version = 1)]
struct Held {
    number: usize,
}

#[subscriber(topic = "held.work", prefetch = 16, timeout = "1s")]
async fn work_held(work: Held, tally: State<Tally>) {
    tokio::time::sleep(Duration::from_millis(500)).await;
    tally.add(work.number.to_string());
}

/// Messages that wait longer for their turn than the broker allows go back before it closes the channel. None of them is
/// handled here as well, and the prefetch keeps all its places: more rounds than it has pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_too_long_for_its_turn_is_given_back_and_handled_once() {
    let broker = Broker::shared();
    let tally = Arc::new(Tally::default());
    let mut options = options(&broker.url(), "held");
    options.ack_limit = Duration::from_secs(4);
    let transport = ground::transport(options);
    let running = app::<(work_held,)>("held", &transport).provide_shared(tally.clone()).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for number in 0..40 {
        publisher.publish(&Held { number }).await.unwrap();
    }
    until("all are done", || tally.len() == 40 && broker.queue_depth("held.work-held") == Some(0)).await;
    let counts = running.stats()[0].counts.clone();
    assert_eq!(counts.redelivered, 0, "those that only waited come as if for the first time");
    assert_eq!(tally.total(), 40, "none was handled twice: {:?}", tally.all());
    running.shutdown().await.unwrap();
    assert_eq!(broker.queue_depth("held.work-held.dlq"), Some(0));
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "burst.work", version = 1)]
struct Burst {
    number: usize,
}

/// A gate that opens once so many stand before it.
#[derive(Debug, Default)]
struct Gate {
    waiting: AtomicUsize,
    open: Notify,
}

#[subscriber(topic = "burst.work", concurrency = 150, prefetch = 400)]
async fn work_together(_: Burst, gate: State<Gate>) {
    let opening = gate.open.notified();
    if gate.waiting.fetch_add(1, Ordering::SeqCst) + 1 == 150 {
        gate.open.notify_waiters();
    } else {
        opening.await;
    }
}

/// More idle workers than are taken from the client library at a time: a burst wakes them all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_wakes_all_workers() {
    let broker = Broker::shared();
    let gate = Arc::new(Gate::default());
    let transport = ground::transport(options(&broker.url(), "burst"));
    let running = app::<(work_together,)>("burst", &transport).provide_shared(gate.clone()).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    let sent: Vec<_> = (0..150).map(|number| publisher.publish_with(&Burst { number }).send()).collect();
    for confirmation in sent {
        confirmation.await.unwrap();
    }
    until("all stand before the gate", || running.stats()[0].counts.succeeded == 150).await;
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "interrupted.work", version = 1)]
struct Interrupted {
    number: usize,
}

/// Whether what the handlers need is there.
#[derive(Debug, Default)]
struct Partner {
    is_there: AtomicBool,
    asked: AtomicUsize,
    done: Tally,
}

#[subscriber(topic = "interrupted.work", concurrency = 4, prefetch = 16, retries = 1, backoff = fixed("200ms"))]
async fn ask_the_partner(work: Interrupted, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.asked.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(500)).await;
    if !partner.is_there.load(Ordering::SeqCst) {
        return Err(std::io::ErrorKind::TimedOut.into());
    }
    partner.done.add(work.number.to_string());
    Ok(())
}

/// What fails after its connection was lost has not failed: it is delivered again, as often as it was tried before. It is
/// not dead-lettered as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_outlive_their_connection_do_not_count() {
    let broker = Broker::start();
    let partner = Arc::new(Partner::default());
    let transport = ground::transport(options(&broker.url(), "interrupted"));
    let app = app::<(ask_the_partner,)>("interrupted", &transport).provide_shared(partner.clone());
    let running = app.start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for number in 0..4 {
        publisher.publish(&Interrupted { number }).await.unwrap();
    }
    until("all are at work", || partner.asked.load(Ordering::SeqCst) == 4).await;
    broker.kill();
    // Long enough for both attempts, if they counted.
    tokio::time::sleep(Duration::from_secs(2)).await;
    partner.is_there.store(true, Ordering::SeqCst);
    broker.restart();
    until("all are done", || partner.done.len() == 4 && broker.queue_depth("interrupted.ask-the-partner") == Some(0))
        .await;
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.dead_lettered, partner.done.total()), (0, 4), "{counts:?}");
    running.shutdown().await.unwrap();
    assert_eq!(broker.queue_depth("interrupted.ask-the-partner.dlq"), Some(0));
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "interim.work", version = 1)]
struct Interim {
    number: usize,
}

#[subscriber(topic = "interim.work", concurrency = 16, prefetch = 250)]
async fn work_in_between(work: Interim, tally: State<Tally>) {
    tokio::time::sleep(Duration::from_millis(5)).await;
    tally.add(work.number.to_string());
}

/// Shut down again and again in the middle of its work: what was done by then has left the queue, and nothing else has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_before_a_shutdown_does_not_come_again() {
    const QUEUE: &str = "interim.work-in-between";
    let broker = Broker::shared();
    let tally = Arc::new(Tally::default());
    let start = async || {
        let transport = ground::transport(options(&broker.url(), "interim"));
        app::<(work_in_between,)>("interim", &transport).provide_shared(tally.clone()).start().await.unwrap()
    };
    let mut number = 0;
    for round in 0..10 {
        let running = start().await;
        let publisher = running.publisher().unwrap();
        let events: Vec<_> = (number..number + 400).map(|number| Interim { number }).collect();
        number += 400;
        for answer in publisher.publish_all(&events).await {
            answer.unwrap();
        }
        let done = tally.len();
        until("it is at work", || tally.len() > done + 50).await;
        running.shutdown().await.unwrap();
        let done = tally.len();
        assert_eq!(tally.total(), done, "none was done twice by round {round}");
        // A quorum queue takes in a moment later what it was told of.
        until("what was done has left the queue", || broker.queue_depth(QUEUE) == Some((number - done) as u64)).await;
    }
    let running = start().await;
    until("all are done", || tally.len() == number && broker.queue_depth(QUEUE) == Some(0)).await;
    assert_eq!(tally.total(), number, "once each");
    running.shutdown().await.unwrap();
}
