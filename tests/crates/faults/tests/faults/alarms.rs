//! Brokers that take nothing for want of memory or disk.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::FutureExt as _;
use serde::{Deserialize, Serialize};
use swit::{
    Event, Message, PublishError, State, subscriber,
    transport::{ConnectionState, Publication, Room},
};
use swit_testbed::Broker;
use tokio::time::timeout;

use crate::ground::{self, Tally, app, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "alarmed.work", version = 1, unrouted = "error")]
struct Alarmed {
    number: usize,
}

/// Works slowly.
#[subscriber(topic = "alarmed.work", concurrency = 4, prefetch = 16)]
async fn labour(work: Alarmed, tally: State<Tally>) {
    tokio::time::sleep(Duration::from_millis(40)).await;
    tally.add(work.number.to_string());
}

/// Publications on their way at once, at most.
const WINDOW: usize = 100;
const CONFIRM: Duration = Duration::from_secs(2);
/// What may pile up in memory while nothing goes out: the window's messages, a few times over.
const MOST_KIB: u64 = 100 * 1024;

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse().unwrap()
}

async fn survives(broker: &Broker, raise: impl Fn(&Broker), calm: impl Fn(&Broker)) {
    let mut options = options(&broker.url(), "alarmed");
    (options.window, options.confirm_timeout) = (WINDOW, CONFIRM);
    let transport = ground::transport(options);
    let tally = Arc::new(Tally::default());
    let running = app::<(labour,)>("alarmed", &transport).provide_shared(tally.clone()).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    let depth = || broker.queue_depth("alarmed.labour").unwrap();
    let mut number = 0;
    let mut fill = async |count: usize| {
        let events: Vec<Alarmed> = (number..number + count).map(|number| Alarmed { number }).collect();
        number += count;
        for answer in publisher.publish_all(&events).await {
            answer.unwrap();
        }
    };
    let count = 600;
    fill(count).await;
    let raise = async || {
        raise(broker);
        until("the alarm is raised", || broker.eval("rabbit_alarm:get_alarms()") != "[]").await;
    };
    raise().await;
    // The broker says so when something is published, which is unknown from then on, in time.
    let began = Instant::now();
    let publishing = publisher.publish(&Alarmed { number: 9_999 });
    let answer = timeout(Duration::from_secs(20), publishing).await.expect("nobody waits for ever");
    assert!(matches!(answer, Err(PublishError::Timeout { .. })), "{answer:?}");
    assert!(began.elapsed() < CONFIRM + Duration::from_secs(2), "{:?}", began.elapsed());
    let statuses = transport.status();
    assert!(
        statuses.iter().any(|status| status.borrow().state == ConnectionState::Blocked),
        "it says that it is blocked"
    );
    assert!(depth() > 0, "the alarm came too late for this test");
    // Handlers go on, and what they did is acknowledged.
    until("acknowledgements go on under an alarm", || depth() == 0).await;
    assert!(tally.len() >= count, "{} were done", tally.len());
    // Those that fill the window, of which the first one has a place, are unknown in time as well.
    let port = transport.publisher();
    let nobody = || Publication::new(Message::new("alarmed.nobody", vec![7; 16 * 1024]));
    let filling: Vec<_> = (1..WINDOW).map(|_| port.publish(nobody())).collect();
    for publishing in filling {
        let answer = timeout(CONFIRM + Duration::from_secs(5), publishing).await.expect("nobody waits for ever");
        assert!(matches!(answer, Err(PublishError::Timeout { .. })), "{answer:?}");
    }
    // Many more that publish, and do not wait: nothing piles up behind them.
    let before = resident_kib();
    for number in 0..40_000 {
        assert!(port.publish(nobody()).now_or_never().is_none(), "there was no alarm");
        if number % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let grown = resident_kib().saturating_sub(before);
    assert!(grown < MOST_KIB, "grown by {grown} KiB");
    // The window is full now: who waits at most so long is told that nothing was published.
    let late =
        Publication::new(Message::new("alarmed.work", "{}")).with_room(Room::WaitAtMost(Duration::from_millis(500)));
    let answer = timeout(Duration::from_secs(3), port.publish(late)).await.expect("it is answered in time");
    assert!(matches!(answer, Err(PublishError::Unavailable { .. })), "{answer:?}");
    // It goes on when the alarm is over, what was on its way included.
    calm(broker);
    let began = Instant::now();
    let events: Vec<Alarmed> = (1_000..1_200).map(|number| Alarmed { number }).collect();
    for answer in timeout(Duration::from_secs(30), publisher.publish_all(&events)).await.expect("it goes on") {
        answer.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(30));
    until("what was published afterwards is done", || {
        (1_000..1_200).all(|n: usize| tally.all().contains_key(&n.to_string()))
    })
    .await;
    let all = tally.all();
    assert!((0..count).all(|n: usize| all.contains_key(&n.to_string())), "nothing is lost");
    assert!(all.values().all(|times| *times == 1), "nothing is done twice: {all:?}");
    // A shutdown under an alarm, with publishers that wait, does not take long.
    raise().await;
    let waiting: Vec<_> = (0..2 * WINDOW).map(|number| publisher.publish(&Alarmed { number })).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    let ended = running.shutdown().await;
    assert!(matches!(ended, Err(swit::Error::Unconfirmed { .. })), "it says what was not confirmed: {ended:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "the shutdown took {:?}", began.elapsed());
    for publishing in waiting {
        let answer = timeout(Duration::from_secs(2), publishing).await.expect("everybody is told");
        assert!(answer.is_err(), "{answer:?}");
    }
    calm(broker);
}

/// Fault 11.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_of_memory_is_survived() {
    let broker = Broker::start();
    survives(
        &broker,
        |broker| broker.set_vm_memory_high_watermark(0.0001),
        |broker| broker.set_vm_memory_high_watermark(0.4),
    )
    .await;
}

/// Fault 12.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_of_the_disk_is_survived() {
    let broker = Broker::start();
    survives(&broker, |broker| broker.set_disk_free_limit(1 << 60), |broker| broker.set_disk_free_limit(50_000_000))
        .await;
}
