//! A partner of the handlers that is down for a while, behind a circuit breaker, while messages keep coming.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use swit::{BreakerState, Event, Metadata, Running, State, subscriber};
use swit_testbed::Broker;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, interval, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::ground::{self, PATIENCE, app, options, until};

/// Messages that are published a second.
const RATE: usize = 2_000;
/// How often a bundle of them is.
const BEAT: Duration = Duration::from_millis(50);

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "outage.work", version = 1, key = key)]
struct Work {
    key: String,
    number: usize,
}

/// Something that is down for a while.
#[derive(Debug, Default)]
struct Partner {
    is_down: AtomicBool,
    failed: AtomicUsize,
    answered: AtomicUsize,
    /// Failed attempts at each message, and successful ones.
    ends: Mutex<BTreeMap<usize, (u32, u32)>>,
    /// When it answered for the first time since it was asked last.
    first: Mutex<Option<Instant>>,
    order: Mutex<BTreeMap<String, Vec<usize>>>,
}

impl Partner {
    fn ask(&self, work: &Work) -> Result<(), std::io::Error> {
        self.order.lock().unwrap().entry(work.key.clone()).or_default().push(work.number);
        let mut ends = self.ends.lock().unwrap();
        let (failed, answered) = ends.entry(work.number).or_default();
        if self.is_down.load(Ordering::SeqCst) {
            *failed += 1;
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "the partner is down"));
        }
        *answered += 1;
        self.answered.fetch_add(1, Ordering::SeqCst);
        self.first.lock().unwrap().get_or_insert_with(Instant::now);
        Ok(())
    }

    fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
        *self.first.lock().unwrap() = None;
    }
}

/// What opens its breaker, and how many may fail beside those while they are under way.
const FAILURES: usize = 10;
const WORKERS: usize = 16;

#[subscriber(
    topic = "outage.work",
    name = "caller",
    concurrency = 16,
    prefetch = 200,
    retries = 5,
    backoff = fixed("500ms"),
    circuit_breaker(failures = 10, reset = "2s", half_open = 3)
)]
async fn call(work: Work, partner: State<Partner>) -> Result<(), std::io::Error> {
    // As long as something takes that goes over a network.
    sleep(Duration::from_millis(1)).await;
    partner.ask(&work)
}

/// Needs no partner.
#[subscriber(topic = "outage.work", name = "bystander", concurrency = 4, prefetch = 200)]
async fn stand_by(work: Work) {
    drop(work);
}

/// Publishes at its rate until it is told to end; how many.
async fn publish(running: Arc<Running>, ending: CancellationToken, published: Arc<AtomicUsize>) {
    let publisher = running.publisher().unwrap();
    let mut beat = interval(BEAT);
    let mut sending = JoinSet::new();
    let bundle = RATE * usize::try_from(BEAT.as_millis()).unwrap() / 1_000;
    while !ending.is_cancelled() {
        beat.tick().await;
        let first = published.fetch_add(bundle, Ordering::SeqCst);
        let publisher = publisher.clone();
        sending.spawn(async move {
            let works: Vec<Work> =
                (first..first + bundle).map(|number| Work { key: (number % 7).to_string(), number }).collect();
            for answer in publisher.publish_all(&works).await {
                answer.unwrap();
            }
        });
        while let Some(sent) = sending.try_join_next() {
            sent.unwrap();
        }
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
}

fn attempts(running: &Running, subscriber: &str) -> usize {
    let stats = running.stats();
    let counts = &stats.iter().find(|stats| stats.name == *subscriber).unwrap().counts;
    usize::try_from(counts.attempts).unwrap()
}

async fn opened(breaker: &mut watch::Receiver<BreakerState>) -> Instant {
    let state = breaker.wait_for(|state| matches!(state, BreakerState::Open { .. }));
    match *timeout(PATIENCE, state).await.unwrap().unwrap() {
        BreakerState::Open { until } => until,
        other => panic!("{other:?}"),
    }
}

/// The partner is down for so long while 2,000 messages a second come.
async fn outage(service: &str, down: Duration) {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), service));
    let partner = Arc::new(Partner::default());
    let running = app::<(call, stand_by)>(service, &transport).provide_shared(partner.clone()).start().await.unwrap();
    let running = Arc::new(running);
    let mut breaker = running.breaker("caller").unwrap();
    let (ending, published) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
    let publishing = tokio::spawn(publish(running.clone(), ending.clone(), published.clone()));

    // All goes well at first. How far behind the bystander is then is what the machine allows.
    let behind = || published.load(Ordering::SeqCst).saturating_sub(attempts(&running, "bystander"));
    let mut usual = 0;
    for _ in 0..40 {
        sleep(Duration::from_millis(50)).await;
        usual = usual.max(behind());
    }
    assert_eq!(*breaker.borrow(), BreakerState::Closed);

    partner.set_down(true);
    let began = Instant::now();
    let mut reset = opened(&mut breaker).await;
    sleep(Duration::from_millis(100)).await;
    let failed = partner.failed.load(Ordering::SeqCst);
    assert!(failed < FAILURES + WORKERS, "it opens within its threshold, and not after {failed} failures");

    let (mut worst, bystander) = (0, attempts(&running, "bystander"));
    while began.elapsed() < down {
        sleep(Duration::from_millis(50)).await;
        worst = worst.max(behind());
    }
    let (took, while_down) = (began.elapsed(), attempts(&running, "bystander") - bystander);
    let failed = partner.failed.load(Ordering::SeqCst);
    let resets = 1 + usize::try_from(took.as_secs() / 2).unwrap();
    assert!(failed < FAILURES + WORKERS + 3 * resets, "{failed} failures in {took:?}");
    assert!(worst < usual + RATE, "the bystander was {worst} behind, {usual} is usual");
    assert!(while_down + usual + RATE > RATE * usize::try_from(took.as_secs()).unwrap(), "{while_down} in {took:?}");

    // It comes back while the breaker is open.
    while reset <= Instant::now() + Duration::from_millis(500) {
        sleep(Duration::from_millis(10)).await;
        reset = opened(&mut breaker).await;
    }
    partner.set_down(false);
    sleep_until(reset).await;
    let closing = breaker.wait_for(|state| *state == BreakerState::Closed);
    timeout(Duration::from_secs(1), closing).await.expect("work resumes within a second of the reset").unwrap();
    let resumed = partner.first.lock().unwrap().unwrap();
    assert!(resumed >= reset && resumed - reset < Duration::from_secs(1), "{:?}", resumed - reset);
    ending.cancel();
    timeout(PATIENCE, publishing).await.unwrap().unwrap();
    let queue = format!("{service}.caller");
    let all = published.load(Ordering::SeqCst);
    let patience = PATIENCE + down * 2;
    let began = Instant::now();
    // Retries wait in the broker as well: all have had an end when there is one for each.
    let ended = || {
        let (ends, budget) = (partner.ends.lock().unwrap(), 6);
        ends.len() == all && ends.values().all(|(failed, answered)| *answered > 0 || *failed == budget)
    };
    while !ended() {
        assert!(began.elapsed() < patience, "all are done: not within {patience:?}");
        sleep(Duration::from_millis(50)).await;
    }
    until("the queue is empty", || broker.queue_depth(&queue) == Some(0)).await;
    let ends = partner.ends.lock().unwrap().clone();
    let spent = ends.values().filter(|(failed, answered)| *answered == 0 && *failed == 6).count();
    assert!(ends.values().all(|(failed, answered)| failed + answered <= 6 && *answered <= 1), "one end each");
    assert_eq!(
        broker.queue_depth(&format!("{queue}.dlq")),
        Some(spent as u64),
        "what the policy says, and nothing else"
    );
    assert_eq!(broker.queue_depth(&format!("{service}.bystander.dlq")), Some(0));
    Arc::into_inner(running).unwrap().shutdown().await.unwrap();
}

/// 2,000 messages a second, for some seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_is_down_stops_its_subscriber_and_nobody_else() {
    outage("outage", Duration::from_secs(7)).await;
}

/// The same for a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "slow: scripts/soak runs it"]
async fn a_partner_that_is_down_for_a_minute_stops_its_subscriber_and_nobody_else() {
    outage("outage-minute", Duration::from_mins(1)).await;
}

#[subscriber(
    topic = "outage.work",
    name = "in-order",
    order_by = key,
    concurrency = 4,
    prefetch = 64,
    timeout = "2s",
    retries = 50,
    backoff = fixed("50ms"),
    circuit_breaker(failures = 3, reset = "500ms", half_open = 1)
)]
async fn in_order(work: Work, partner: State<Partner>) -> Result<(), std::io::Error> {
    sleep(Duration::from_millis(1)).await;
    partner.ask(&work)
}

/// Lanes whose breaker opens give back what lies in them, to its place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_survives_a_breaker_that_opens_again_and_again() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "outage-order"));
    let partner = Arc::new(Partner::default());
    let running = app::<(in_order,)>("outage-order", &transport).provide_shared(partner.clone()).start().await.unwrap();
    let mut breaker = running.breaker("in-order").unwrap();
    let works: Vec<Work> = (0..2_000).map(|number| Work { key: (number % 7).to_string(), number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    for _ in 0..4 {
        partner.set_down(true);
        opened(&mut breaker).await;
        partner.set_down(false);
        timeout(PATIENCE, breaker.wait_for(|state| *state == BreakerState::Closed)).await.unwrap().unwrap();
        sleep(Duration::from_millis(50)).await;
    }
    until("all are done", || partner.answered.load(Ordering::SeqCst) >= works.len()).await;
    for (key, seen) in &*partner.order.lock().unwrap() {
        let mut seen = seen.clone();
        seen.dedup();
        assert!(seen.is_sorted() && seen.windows(2).all(|two| two[1] == two[0] + 7), "{key}: {seen:?}");
    }
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered, counts.redelivered), (works.len() as u64, 0, 0));
    running.shutdown().await.unwrap();
}

#[subscriber(
    topic = "outage.work",
    name = "patient",
    concurrency = 2,
    prefetch = 40,
    timeout = "500ms",
    retries = 100,
    backoff = fixed("200ms"),
    circuit_breaker(failures = 2, reset = "20s", half_open = 1)
)]
async fn wait_for_it(work: Work, meta: Metadata, partner: State<Partner>) -> Result<(), std::io::Error> {
    assert_eq!(meta.redeliveries, 0, "to wait is no crash");
    partner.ask(&work)
}

/// A broker takes back what is held for too long, and counts that as it counts crashes. What waits for a breaker is held for
/// long, and is innocent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_longer_than_the_broker_allows_is_no_suspect() {
    let broker = Broker::shared();
    let mut options = options(&broker.url(), "outage-long");
    // Whatever waits for two fifths of it goes back: more than ten times while the breaker is open.
    options.ack_limit = Duration::from_secs(3);
    options.delivery_limit = 1_000;
    let transport = ground::transport(options);
    let partner = Arc::new(Partner::default());
    let running =
        app::<(wait_for_it,)>("outage-long", &transport).provide_shared(partner.clone()).start().await.unwrap();
    let mut breaker = running.breaker("patient").unwrap();
    partner.set_down(true);
    let works: Vec<Work> = (0..30).map(|number| Work { key: "k".into(), number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    let reset = opened(&mut breaker).await;
    sleep_until(reset - Duration::from_millis(300)).await;
    // The other worker may have begun one more before the second failure was known.
    assert!((2..=3).contains(&attempts(&running, "patient")), "{}", attempts(&running, "patient"));
    partner.set_down(false);
    until("all are done", || partner.answered.load(Ordering::SeqCst) == works.len()).await;
    assert_eq!(broker.queue_depth("outage-long.patient.dlq"), Some(0));
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered), (30, 0));
    running.shutdown().await.unwrap();
}

#[subscriber(
    topic = "outage.work",
    name = "patient-in-order",
    order_by = key,
    concurrency = 3,
    prefetch = 40,
    timeout = "500ms",
    retries = 0,
    circuit_breaker(failures = 2, reset = "20s", half_open = 1)
)]
async fn wait_in_order(work: Work, meta: Metadata, partner: State<Partner>) -> Result<(), std::io::Error> {
    assert_eq!(meta.redeliveries, 0, "to wait is no crash");
    sleep(Duration::from_millis(10)).await;
    partner.ask(&work)
}

/// The same of what was sorted into lanes: it does not lie there while the breaker is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_lanes_goes_back_and_is_done_once() {
    let broker = Broker::shared();
    let mut options = options(&broker.url(), "outage-lanes");
    options.ack_limit = Duration::from_secs(3);
    options.delivery_limit = 1_000;
    let transport = ground::transport(options);
    let partner = Arc::new(Partner::default());
    let running =
        app::<(wait_in_order,)>("outage-lanes", &transport).provide_shared(partner.clone()).start().await.unwrap();
    let mut breaker = running.breaker("patient-in-order").unwrap();
    partner.set_down(true);
    let works: Vec<Work> = (0..30).map(|number| Work { key: (number % 7).to_string(), number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    let reset = opened(&mut breaker).await;
    sleep_until(reset - Duration::from_millis(300)).await;
    let failed = attempts(&running, "patient-in-order");
    assert!(failed < 2 + 3, "{failed}");
    partner.set_down(false);
    until("the queue is empty", || broker.queue_depth("outage-lanes.patient-in-order") == Some(0)).await;
    assert_eq!(attempts(&running, "patient-in-order"), works.len(), "one attempt at each");
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered), ((works.len() - failed) as u64, failed as u64));
    for (key, seen) in &*partner.order.lock().unwrap() {
        assert!(seen.is_sorted(), "{key}: {seen:?}");
    }
    running.shutdown().await.unwrap();
}

#[subscriber(
    topic = "outage.work",
    name = "parks",
    concurrency = 4,
    prefetch = 40,
    retries = 5,
    backoff = fixed("900ms"),
    circuit_breaker(failures = 5, reset = "5s", half_open = 1)
)]
async fn park(work: Work, meta: Metadata, partner: State<Partner>) -> Result<(), std::io::Error> {
    assert!(meta.attempt <= 2);
    partner.ask(&work)
}

/// Retries that are parked when it opens wait in the broker from then on, with their attempts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_that_are_parked_when_it_opens_wait_in_the_broker() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "outage-parked"));
    let partner = Arc::new(Partner::default());
    let running = app::<(park,)>("outage-parked", &transport).provide_shared(partner.clone()).start().await.unwrap();
    partner.set_down(true);
    let publisher = running.publisher().unwrap();
    let work = |number| Work { key: "k".into(), number };
    for number in 0..4 {
        publisher.publish(&work(number)).await.unwrap();
    }
    until("four are parked", || partner.failed.load(Ordering::SeqCst) == 4).await;
    publisher.publish(&work(4)).await.unwrap();
    opened(&mut running.breaker("parks").unwrap()).await;
    until("all wait in the broker", || broker.queue_depth("outage-parked.parks.retry.5s") == Some(5)).await;
    assert_eq!(broker.queue_depth("outage-parked.parks"), Some(0), "and nothing is held here");
    partner.set_down(false);
    until("all are done", || partner.answered.load(Ordering::SeqCst) == 5).await;
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.attempts, counts.retries), (10, 5));
    running.shutdown().await.unwrap();
}

/// What is held goes back, at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_while_it_is_open_gives_everything_back() {
    let broker = Broker::shared();
    let partner = Arc::new(Partner::default());
    partner.set_down(true);
    let start = async || {
        let transport = ground::transport(options(&broker.url(), "outage-end"));
        app::<(call, in_order)>("outage-end", &transport).provide_shared(partner.clone()).start().await.unwrap()
    };
    let running = start().await;
    let works: Vec<Work> = (0..500).map(|number| Work { key: (number % 7).to_string(), number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    for name in ["caller", "in-order"] {
        opened(&mut running.breaker(name).unwrap()).await;
    }
    let began = Instant::now();
    running.shutdown().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    partner.set_down(false);
    partner.answered.store(0, Ordering::SeqCst);
    let running = start().await;
    until("all are done", || partner.answered.load(Ordering::SeqCst) >= 2 * works.len()).await;
    for name in ["caller", "in-order"] {
        assert_eq!(broker.queue_depth(&format!("outage-end.{name}.dlq")), Some(0));
    }
    assert!(running.stats().iter().all(|stats| stats.counts.succeeded == 500), "each once");
    running.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "probed.work", version = 1)]
struct Probed {
    number: usize,
}

/// In order, so that a retry waits in its place; one probe at a time.
#[subscriber(
    topic = "probed.work",
    ordered,
    retries = 5,
    backoff = none,
    circuit_breaker(failures = 1, reset = "3s", half_open = 1)
)]
async fn probe(work: Probed, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&Work { key: String::new(), number: work.number })
}

/// A delivery whose connection was lost while it waited for the breaker keeps no probe to itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_of_what_comes_again_is_there_for_others() {
    let broker = Broker::start();
    let transport = ground::transport(options(&broker.url(), "probed"));
    let partner = Arc::new(Partner::default());
    partner.set_down(true);
    let running = app::<(probe,)>("probed", &transport).provide_shared(partner.clone()).start().await.unwrap();
    let mut breaker = running.breaker("probe").unwrap();
    for number in 0..20 {
        running.publisher().unwrap().publish(&Probed { number }).await.unwrap();
    }
    let open = breaker.wait_for(|state| matches!(state, BreakerState::Open { .. }));
    timeout(PATIENCE, open).await.expect("it opens").unwrap();
    broker.close_all_connections("a test closes them");
    partner.set_down(false);
    until("all are done after the reset", || partner.answered.load(Ordering::SeqCst) >= 20).await;
    until("the breaker is closed", || *breaker.borrow() == BreakerState::Closed).await;
    running.shutdown().await.unwrap();
}
