//! Messages that kill their process, and verdicts that come too late.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    time::{Duration, Instant},
};

use swit::{
    Message, MessageId,
    transport::{Delivery, Publication, Queue, SubscribeOptions, Subscription, Verdict},
};
use swit_faults::{
    Conduct,
    rig::{HEALING, RESUMPTION},
};
use swit_testbed::{Broker, ledger::Effects};

use crate::{links::connect, rig, steps::broker_log};

/// Fault 22: the service is started again each time; in the end the killer is a dead letter, and nobody else.
#[test]
fn a_message_that_kills_its_process_is_dead_lettered_alone() {
    const KILLER: u64 = 7;
    let broker = Broker::start();
    let rig = rig(broker.url());
    let variables = [("FAULTY_CONFIGURATION", "[subscriber.handle]\nprefetch = 10")];
    // Before the first, for its queue.
    let mut handler = rig.handler(&variables);
    let gravedigger = rig.gravedigger();
    handler.kill();
    let mut conducts = vec![Conduct::SucceedAfter(50); 30];
    conducts[usize::try_from(KILLER).unwrap()] = Conduct::Abort;
    assert!(rig.producer(0, 30, &conducts, &[]).wait(HEALING).success());
    let (began, mut starts) = (Instant::now(), 0);
    loop {
        if !handler.runs() {
            starts += 1;
            handler = rig.starting_handler(&variables);
        }
        if rig.record().outstanding().is_empty() {
            break;
        }
        assert!(starts <= 12, "the process died {starts} times\n{}", rig.logs());
        assert!(began.elapsed() < HEALING, "{:?}\n{}", rig.record().outstanding(), rig.logs());
        std::thread::sleep(Duration::from_millis(20));
    }
    let record = rig.settle(Effects::AtLeastOnce);
    let dead: Vec<_> = record.dead.iter().map(|(id, letters)| (id.as_str(), letters[0].reason.as_str())).collect();
    assert_eq!(dead, [("work-7", "delivery_limit")], "the killer, and no innocent");
    assert_eq!(record.effects.len(), 29, "the innocent are handled");
    assert_eq!(record.dead["work-7"][0].attempts, 10, "how often it came before it was given up");
    // Three crashes among others, the rest alone: only the first can repeat what was done and not yet acknowledged.
    let twice: usize = record.effects.values().map(|times| times - 1).sum();
    assert!(twice <= 3 * 10, "C: {twice} effects too many");
    assert!(handler.runs(), "it lives on");
    let log = handler.log();
    assert!(log.contains("delivery_limit") && log.contains("alert: message work-7 came back"), "no alert\n{log}");
    drop(gravedigger);
    handler.signal("TERM");
    assert!(handler.wait(HEALING).success());
}

/// Fault 20: verdicts on deliveries whose connection was closed meanwhile go nowhere, least of all to the deliveries that
/// have their numbers on the next connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_on_a_delivery_of_a_lost_connection_goes_nowhere() {
    let broker = Broker::start();
    let transport = connect(&broker.url()).await;
    transport.declare(&[Queue::subscriber("q", ["t"])]).await.unwrap();
    for number in 0..60 {
        let id = MessageId::parse(&format!("stale-{number:02}")).unwrap();
        transport.publisher().publish(Publication::new(Message::new("t", "x").with_id(id))).await.unwrap();
    }
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    let mut handle = |delivery: Delivery| {
        *done.entry(delivery.message().id.to_string()).or_default() += 1;
        delivery.settle(Verdict::Ack);
    };
    let subscription = transport.subscribe(SubscribeOptions::new("q", "reader", 8)).await.unwrap();
    for _ in 0..10 {
        handle(next(&*subscription).await);
    }
    let mut late = take(&*subscription, 8).await;
    broker.close_all_connections("a test closes them");
    // They come again, in no certain order. The numbers of the new connection reach those of the deliveries that are late.
    let ids: BTreeSet<String> = late.iter().map(|late| late.message().id.to_string()).collect();
    let mut taken = BTreeSet::new();
    while taken.len() < 10 || !taken.is_superset(&ids) {
        let delivery = next(&*subscription).await;
        taken.insert(delivery.message().id.to_string());
        handle(delivery);
    }
    let held = take(&*subscription, 8).await;
    let count = late.len();
    assert!(late.iter().all(|late| !late.is_current()) && held.iter().all(Delivery::is_current));
    late.drain(..).for_each(&mut handle);
    // Acknowledged in vain, rejected in vain: the broker was told of none.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let left = 60 - 10 - taken.len() as u64;
    assert_eq!(broker.queue_depth("q"), Some(left), "A: what is held is not acknowledged");
    assert_eq!(subscription.stale(), count as u64, "they are counted");
    assert!(transport.status().iter().all(|status| status.borrow().reconnects == 1), "no error closed a connection");
    assert!(!broker_log(&broker).contains("unknown delivery tag"), "no error closed a channel");
    drop(held);
    transport.close().await;

    let transport = connect(&broker.url()).await;
    let subscription = transport.subscribe(SubscribeOptions::new("q", "reader", 8)).await.unwrap();
    for _ in 10 + taken.len()..60 {
        handle(next(&*subscription).await);
    }
    transport.close().await;
    let all: BTreeSet<String> = (0..60).map(|number| format!("stale-{number:02}")).collect();
    assert_eq!(done.keys().cloned().collect::<BTreeSet<_>>(), all, "A");
    assert_eq!(done.values().sum::<usize>(), 60 + count, "C: only those whose verdict was late were done twice");
}

async fn next(subscription: &dyn Subscription) -> Delivery {
    let next = poll_fn(|task| subscription.poll_next(0, task));
    let Ok(delivery) = tokio::time::timeout(RESUMPTION, next).await else { panic!("F: no delivery comes") };
    delivery.unwrap()
}

async fn take(subscription: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.push(next(subscription).await);
    }
    taken
}
