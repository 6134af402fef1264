//! Too much of one thing: panics, requeues, redeliveries, duplicates.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions},
    types::FieldTable,
};
use serde::{Deserialize, Serialize};
use swit::{Ack, Event, Metadata, State, subscriber};
use swit_faults::{Conduct, rig::HEALING};
use swit_testbed::{Broker, Seed, ledger::Effects};
use tokio::time::timeout;

use crate::{
    ground::{self, Foreign, PATIENCE, Tally, app, header, options, size, until},
    rig,
};

/// Fault 21: each panic is an attempt, each message ends as a dead letter, and no place among the prefetched is lost.
#[test]
fn a_storm_of_panics_loses_nothing_and_leaks_no_place() {
    let broker = Broker::start();
    let rig = rig(broker.url());
    let mut handler = rig.handler(&[("RUST_LOG", "error,swit_runtime::app=info")]);
    let panicking = size(400, 2_500);
    rig.producer(0, panicking, &[Conduct::Panic, Conduct::PanicWithValue], &[]).wait(Duration::from_mins(10));
    let gravedigger = rig.gravedigger();
    let patience = size(HEALING, Duration::from_mins(10));
    let all = usize::try_from(panicking).unwrap();
    let record = rig.wait_until("all are dead letters", patience, |record| record.dead.len() == all);
    for (id, letters) in &record.dead {
        for letter in letters {
            assert_eq!((letter.attempts, letter.reason.as_str()), (4, "max_retries_exceeded"), "{id}");
        }
    }
    drop(gravedigger);
    assert!(record.effects.is_empty());
    let queue = broker.queue("faults.handle").unwrap();
    assert_eq!((queue.depth(), queue.consumers), (0, 1), "everything is settled");
    // All places are there: what is prefetched are 64, and eight at a time are worked at.
    rig.producer(10_000, 100, &[Conduct::SucceedAfter(100)], &[]).wait(HEALING);
    let record = rig.settle(Effects::AtLeastOnce);
    assert_eq!(record.effects.len(), 100);
    assert!(handler.runs());
    handler.signal("TERM");
    assert!(handler.wait(Duration::from_secs(30)).success());
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "stormy.work", version = 1)]
struct Stormy {
    number: usize,
}

/// How often each message is given back before it is done.
const ROUNDS: usize = 50;

#[derive(Debug, Default)]
struct Rounds {
    seen: Tally,
    done: Tally,
}

/// Gives everything back fifty times.
#[subscriber(topic = "stormy.work", ack = "manual", concurrency = 8, prefetch = 100)]
async fn hesitate(work: Stormy, meta: Metadata, ack: Ack, rounds: State<Rounds>) {
    assert!(meta.attempt == 1 && meta.redeliveries == 0, "to be given back is no attempt, and no redelivery: {meta:?}");
    if rounds.seen.add(work.number.to_string()) <= ROUNDS {
        ack.requeue();
    } else {
        rounds.done.add(work.number.to_string());
        ack.ack();
    }
}

/// Fault 27: everything is requeued by its handler, fifty times.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_requeued_fifty_times_is_done_once() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "stormy"));
    let rounds = Arc::new(Rounds::default());
    let running = app::<(hesitate,)>("stormy", &transport).provide_shared(rounds.clone()).start().await.unwrap();
    let count = size(300, 10_000);
    let events: Vec<Stormy> = (0..count).map(|number| Stormy { number }).collect();
    for answer in running.publisher().unwrap().publish_all(&events).await {
        answer.unwrap();
    }
    until("all are done", || broker.queue_depth("stormy.hesitate") == Some(0)).await;
    assert_eq!(rounds.done.len(), count, "nothing is lost");
    assert_eq!(rounds.done.total(), count, "nothing is done twice");
    assert!(rounds.seen.all().values().all(|times| *times == ROUNDS + 1));
    assert_eq!(broker.queue_depth("stormy.hesitate.dlq"), Some(0));
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "returned.work", version = 1)]
struct Returning {
    number: usize,
}

/// Never runs while the storm lasts.
#[subscriber(topic = "returned.work", concurrency = 8, prefetch = 100)]
async fn wait_out(work: Returning, meta: Metadata, tally: State<Tally>) {
    assert!(meta.redeliveries > 0);
    tally.add(work.number.to_string());
}

/// Fault 27, by a consumer that is not ours: what comes back a few times is done, once; what comes back for ever is a dead
/// letter of the broker's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_consumers_give_back_is_done_or_a_dead_letter() {
    let broker = Broker::shared();
    let count = 200;
    for (name, times, lives) in [("few", 5, true), ("many", ROUNDS, false)] {
        let service = format!("returned-{name}");
        let transport = ground::transport(options(&broker.url(), &service));
        let tally = Arc::new(Tally::default());
        // It starts once to declare, and again after the storm.
        let running = app::<(wait_out,)>(&service, &transport).provide_shared(tally.clone()).start().await.unwrap();
        let foreign = Foreign::connect(&broker.url()).await;
        let queue = format!("{service}.wait-out");
        running.shutdown().await.unwrap();
        for number in 0..count {
            let body = serde_json::to_vec(&Returning { number }).unwrap();
            let properties =
                BasicProperties::default().with_message_id(number.to_string().into()).with_delivery_mode(2);
            foreign.publish(&format!("{service}.events"), "returned.work", properties, &body).await;
        }
        give_back(&foreign, &queue, count, times).await;
        let dead = || broker.queue_depth(&format!("{queue}.dlq")).unwrap();
        if lives {
            let transport = ground::transport(options(&broker.url(), &service));
            let running = app::<(wait_out,)>(&service, &transport).provide_shared(tally.clone()).start().await.unwrap();
            until("all are done", || broker.queue_depth(&queue) == Some(0)).await;
            assert_eq!((tally.len(), tally.total(), dead()), (count, count, 0), "each is done once");
            running.shutdown().await.unwrap();
        } else {
            until("all are dead letters", || dead() == count as u64).await;
            assert_eq!(broker.queue_depth(&queue), Some(0));
            let letter = foreign.take(&format!("{queue}.dlq")).await.delivery;
            assert_eq!(header(&letter.properties, "x-first-death-reason"), "delivery_limit");
            assert_eq!(header(&letter.properties, "x-first-death-queue"), queue);
        }
    }
}

/// Takes everything that a queue holds and gives it back, so many times, or until nothing comes any more.
async fn give_back(foreign: &Foreign, queue: &str, count: usize, times: usize) {
    foreign.channel.basic_qos(u16::try_from(count).unwrap(), BasicQosOptions::default()).await.unwrap();
    for round in 0..times {
        let consume = BasicConsumeOptions::default();
        let mut consumer =
            foreign.channel.basic_consume(queue.into(), "storm".into(), consume, FieldTable::default()).await.unwrap();
        let mut last = None;
        for _ in 0..count {
            let Ok(Some(next)) = timeout(Duration::from_secs(2), consumer.next()).await else { break };
            last = Some(next.unwrap().delivery_tag);
        }
        foreign.channel.basic_cancel("storm".into(), BasicCancelOptions::default()).await.unwrap();
        let Some(last) = last else {
            assert!(round > 20, "nothing came back in round {round}");
            return;
        };
        foreign.channel.basic_nack(last, BasicNackOptions { requeue: true, multiple: true }).await.unwrap();
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "duplicated.work", version = 1)]
struct Duplicated {
    number: usize,
}

/// What each instance did, by id.
#[derive(Debug, Default)]
struct Doings(Mutex<HashMap<String, Vec<usize>>>);

/// Does it, whether or not it was done before: without an inbox nobody knows.
#[subscriber(topic = "duplicated.work", concurrency = 2, prefetch = 16)]
async fn repeat(work: Duplicated, meta: Metadata, doings: State<Doings>) {
    doings.0.lock().unwrap().entry(meta.id.to_string()).or_default().push(work.number);
}

/// Fault 28: each id three times, eight consumers. Without an inbox, each is done three times: as often as it was
/// published, no less and no more, under the same id.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicates_are_done_as_often_as_they_were_published() {
    let broker = Broker::shared();
    let doings = Arc::new(Doings::default());
    let mut instances = Vec::new();
    for _ in 0..8 {
        let transport = ground::transport(options(&broker.url(), "duplicated"));
        instances
            .push(app::<(repeat,)>("duplicated", &transport).provide_shared(doings.clone()).start().await.unwrap());
    }
    let seed = Seed::draw("duplicates_are_done_as_often_as_they_were_published");
    let mut numbers: Vec<usize> = (0..size(400, 20_000)).flat_map(|number| [number; 3]).collect();
    rand::seq::SliceRandom::shuffle(numbers.as_mut_slice(), &mut seed.rng());
    let publisher = instances[0].publisher().unwrap();
    let sent: Vec<_> = numbers
        .iter()
        .map(|&number| {
            let id = swit::MessageId::parse(&format!("same-{number}")).unwrap();
            publisher.publish_with(&Duplicated { number }).id(id).send()
        })
        .collect();
    for confirmation in sent {
        timeout(PATIENCE, confirmation).await.unwrap().unwrap();
    }
    // What one instance gives back is on its way to the next, and for a moment in no queue: what counts is what was done.
    let all_done = || doings.0.lock().unwrap().values().map(Vec::len).sum::<usize>() >= numbers.len();
    until("all are done", || all_done() && broker.queue_depth("duplicated.repeat") == Some(0)).await;
    let done = doings.0.lock().unwrap().clone();
    assert_eq!(done.len(), numbers.len() / 3);
    for (id, numbers) in done {
        assert_eq!(numbers.len(), 3, "{id}");
        assert!(numbers.iter().all(|number| id == format!("same-{number}")), "{id}: {numbers:?}");
    }
    for instance in instances {
        let counts = instance.stats()[0].counts.clone();
        // An instance that widens its prefetch makes the broker take nothing back.
        assert_eq!((counts.failed, counts.redelivered), (0, 0));
        instance.shutdown().await.unwrap();
    }
    assert_eq!(broker.queue_depth("duplicated.repeat.dlq"), Some(0));
}
