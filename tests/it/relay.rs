//! From the outbox to the broker: order, confirmations, failures, and relays that come and go.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use swit::{
    AlertKind, App, Database, Event, Running, State, publisher,
    store::Store,
    stores::MemoryStore,
    subscriber,
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::time::Instant;

use crate::{
    broker::Broker,
    support::{Journal, Task, keyed},
};

#[subscriber(topic = "task.created")]
async fn takes(task: Task, journal: State<Journal>) {
    journal.note(task.text);
}

async fn start(store: &MemoryStore, broker: &Arc<Broker>) -> (Running, Journal) {
    let journal = Journal::default();
    let app = App::only::<(takes,)>().store(store.clone()).transport(broker.clone()).provide(journal.clone());
    (app.set("database.poll", "1h").start().await.unwrap(), journal)
}

/// Publishes all of it in one transaction.
async fn enlist<E: Event>(database: &Database, events: &[E]) {
    let mut tx = database.begin().await.unwrap();
    for event in events {
        tx.publish(event).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn a_moment() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn texts(broker: &Broker) -> Vec<String> {
    let text = |payload: &String| serde_json::from_str::<Task>(payload).map(|task| task.text).unwrap_or_default();
    broker.payloads().iter().map(text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_published_at_once_and_removed_when_it_is_confirmed() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let (running, journal) = start(&store, &broker).await;
    broker.withhold();
    let began = Instant::now();
    enlist(&running.database().unwrap(), &[keyed("a", "1")]).await;
    a_moment().await;
    assert_eq!((texts(&broker), began.elapsed()), (vec!["1".to_owned()], Duration::from_millis(1)));
    assert_eq!(store.outbox().depth().await.unwrap().pending, 1, "it is not confirmed");
    broker.confirm(1);
    running.wait_quiet().await;
    assert_eq!((store.outbox().depth().await.unwrap().pending, journal.lines()), (0, vec!["1".to_owned()]));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_one_key_one_at_a_time_and_keys_side_by_side() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let (running, _) = start(&store, &broker).await;
    broker.withhold();
    let tasks = ["a1", "b1", "a2", "c1", "a3", "b2"].map(|text| keyed(&text[..1], text));
    enlist(&running.database().unwrap(), &tasks).await;
    a_moment().await;
    assert_eq!(texts(&broker), ["a1", "b1", "c1"]);
    broker.confirm(3);
    a_moment().await;
    assert_eq!(texts(&broker)[3..], ["a2", "b2"]);
    broker.confirm(100);
    a_moment().await;
    assert_eq!(texts(&broker)[5..], ["a3"]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_and_holds_up_its_own_key_alone() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let (running, journal) = start(&store, &broker).await;
    broker.refuse("bad");
    let database = running.database().unwrap();
    enlist(&database, &["a1 bad", "a2", "b1"].map(|text| keyed(&text[..1], text))).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(journal.lines(), ["b1"]);
    let tries = texts(&broker).iter().filter(|text| text.starts_with("a1")).count();
    assert!((10..40).contains(&tries), "with a growing wait: {tries}");
    enlist(&database, &[keyed("a", "a3"), keyed("b", "b2")]).await;
    a_moment().await;
    assert_eq!(journal.lines(), ["b1", "b2"], "what comes later waits too");
    broker.refuse("nothing");
    running.wait_quiet().await;
    assert_eq!(journal.lines()[2..], ["a1 bad", "a2", "a3"]);
    running.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "nobody.listens", key = key, unrouted = "error")]
struct Unheard {
    key: String,
}

#[tokio::test(start_paused = true)]
async fn what_can_never_be_published_is_parked_and_told_and_can_be_replayed() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let (running, journal) = start(&store, &broker).await;
    let database = running.database().unwrap();
    enlist(&database, &[Unheard { key: "a".into() }]).await;
    enlist(&database, &[keyed("a", "behind it")]).await;
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(journal.lines(), ["behind it"], "it is not held up for ever");
    let depth = database.outbox().await.unwrap();
    assert_eq!((depth.pending, depth.parked), (0, 1));
    let parked = database.parked(0, 10).await.unwrap();
    assert!(parked[0].topic == "nobody.listens" && parked[0].error.contains("no queue takes"), "{parked:?}");
    let alerts = running.alerts();
    assert!(alerts.contains(&(AlertKind::PublicationParked, 1)), "{alerts:?}");
    assert_eq!(database.replay_parked(None).await.unwrap(), 1);
    a_moment().await;
    assert_eq!(texts(&broker).len(), 12, "ten tries, the one behind, and once more");
    running.shutdown().await.unwrap();
}

/// Two services over one store, each with its own broker or both with one.
async fn two(store: &MemoryStore, brokers: usize) -> (Running, Running, Journal) {
    let (broker, journal) =
        (|| Arc::new(MemoryTransport::new("default", MemoryOptions::default())), Journal::default());
    let (first, second) = (broker(), broker());
    let app = |transport: &Arc<MemoryTransport>| {
        App::only::<(takes,)>().store(store.clone()).transport(transport.clone()).provide(journal.clone())
    };
    let second = if brokers == 1 { &first } else { &second };
    (app(&first).start().await.unwrap(), app(second).start().await.unwrap(), journal)
}

async fn shares(store: &MemoryStore) -> Vec<usize> {
    let mut shares = std::collections::BTreeMap::<String, usize>::new();
    for partition in store.outbox().partitions().await.unwrap() {
        *shares.entry(partition.relay.to_string()).or_default() += 1;
    }
    shares.into_values().collect()
}

/// Fault 33: what a dead relay had is taken over, and nothing is lost; those that live share.
#[tokio::test(start_paused = true)]
async fn relays_share_and_take_over() {
    let store = MemoryStore::new();
    let (first, second, journal) = two(&store, 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(shares(&store).await, [8, 8]);
    let tasks: Vec<_> = (0..64).map(|number| keyed(format!("k{number}"), format!("t{number:02}"))).collect();
    enlist(&first.database().unwrap(), &tasks[..32]).await;
    first.wait_quiet().await;
    assert_eq!(journal.lines().len(), 32);
    // As a crash: nothing is given back.
    drop(second);
    enlist(&first.database().unwrap(), &tasks[32..]).await;
    a_moment().await;
    let before = journal.lines().len();
    assert!(before < 64, "half of it waits for the lease to end: {before}");
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!((shares(&store).await, journal.lines().len()), (vec![16], 64));
    first.shutdown().await.unwrap();
    assert!(store.outbox().relays().await.unwrap().is_empty(), "it has gone");
    assert!(store.outbox().partitions().await.unwrap().iter().all(|partition| partition.relay.is_empty()));
}

/// What it publishes would come twice, and out of order.
#[tokio::test(start_paused = true)]
async fn one_that_waits_for_its_broker_for_longer_than_its_lease_is_not_dead() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let app = || App::only::<(takes,)>().store(store.clone()).transport(broker.clone()).provide(Journal::default());
    let app = || app().set("database.lease", "2s").start();
    let (first, second) = (app().await.unwrap(), app().await.unwrap());
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(shares(&store).await, [8, 8]);
    broker.withhold();
    enlist(&first.database().unwrap(), &[keyed("a", "1"), keyed("a", "2")]).await;
    // Longer, and it is given up.
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((texts(&broker), shares(&store).await), (vec!["1".to_owned()], vec![8, 8]));
    broker.confirm(100);
    first.wait_quiet().await;
    assert_eq!(texts(&broker), ["1", "2"]);
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_leaves_is_followed_at_once() {
    let store = MemoryStore::new();
    let (first, second, journal) = two(&store, 2).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    second.shutdown().await.unwrap();
    enlist(&first.database().unwrap(), &(0..32).map(|n| keyed(format!("k{n}"), "t")).collect::<Vec<_>>()).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!((shares(&store).await, journal.lines().len()), (vec![16], 32));
    first.shutdown().await.unwrap();
}

#[publisher(event = Task, transactional, transport = "second")]
struct ToTheSecond;

/// Whatever the transport, all of it is published: a partition's relay relays to each.
#[tokio::test(start_paused = true)]
async fn rows_of_every_transport_are_published() {
    let (store, first, second) = (MemoryStore::new(), Broker::new("default"), Broker::new("second"));
    let app = App::only::<(takes,)>()
        .store(store.clone())
        .transport(first.clone())
        .transport(second.clone())
        .with_publisher::<ToTheSecond>()
        .set("database.poll", "1h")
        .provide(Journal::default());
    let running = app.start().await.unwrap();
    let publisher = running.publisher_of::<ToTheSecond>().unwrap();
    let mut tx = running.database().unwrap().begin().await.unwrap();
    for number in 0..64 {
        tx.publish(&keyed(format!("k{number}"), "default")).await.unwrap();
        publisher.publish_in(&mut tx, &keyed(format!("k{number}"), "second")).await.unwrap();
    }
    tx.commit().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((texts(&first).len(), texts(&second).len()), (64, 64));
    assert_eq!(store.outbox().depth().await.unwrap().pending, 0);
    running.shutdown().await.unwrap();
}

/// A batch of rows that can't be published does not hide those behind it.
#[tokio::test(start_paused = true)]
async fn many_that_are_refused_hide_nobody() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let journal = Journal::default();
    let app = App::only::<(takes,)>().store(store.clone()).transport(broker.clone()).provide(journal.clone());
    let running = app.set("database.batch", 10).start().await.unwrap();
    broker.refuse("bad");
    let database = running.database().unwrap();
    let bad: Vec<_> = (0..50).map(|number| keyed(format!("k{number}"), "bad")).collect();
    enlist(&database, &bad).await;
    enlist(&database, &[keyed("good", "good")]).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(journal.lines(), ["good"]);
    running.shutdown().await.unwrap();
}

/// However many they are, and each of them is published in the end, those of one key in their order.
#[tokio::test(start_paused = true)]
async fn more_that_are_refused_than_can_be_looked_past_hide_nobody() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let (running, journal) = start(&store, &broker).await;
    broker.refuse("bad");
    let database = running.database().unwrap();
    let of_one_key: Vec<_> = (0..11_000).map(|number| keyed("one", format!("bad {number:05}"))).collect();
    let of_many: Vec<_> = (0..600).map(|number| keyed(format!("k{number}"), "bad")).collect();
    enlist(&database, &of_one_key).await;
    enlist(&database, &of_many).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    enlist(&database, &[keyed("good", "good")]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(journal.lines(), ["good"], "it waits for none of them");
    let tried = texts(&broker).len();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(texts(&broker).len() - tried > 600, "they are tried again");
    broker.refuse("nothing");
    running.wait_quiet().await;
    let came = journal.lines();
    assert_eq!(came.len(), 11_601);
    let ordered: Vec<_> = came.iter().filter(|text| text.starts_with("bad ")).cloned().collect();
    assert_eq!(ordered, of_one_key.iter().map(|task| task.text.clone()).collect::<Vec<_>>());
    running.shutdown().await.unwrap();
}

#[publisher(event = Task, transactional)]
struct InTransactions;

#[tokio::test(start_paused = true)]
async fn a_transactional_publisher_publishes_in_transactions() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let journal = Journal::default();
    let app = App::only::<(takes,)>()
        .store(store.clone())
        .transport(broker.clone())
        .with_publisher::<InTransactions>()
        .provide(journal.clone());
    let running = app.start().await.unwrap();
    let publisher = running.publisher_of::<InTransactions>().unwrap();
    let mut tx = running.database().unwrap().begin().await.unwrap();
    publisher.publish_in(&mut tx, &keyed("a", "committed")).await.unwrap();
    a_moment().await;
    assert_eq!(texts(&broker), Vec::<String>::new());
    tx.commit().await.unwrap();
    let mut tx = running.database().unwrap().begin().await.unwrap();
    publisher.publish_in(&mut tx, &keyed("a", "dropped")).await.unwrap();
    drop(tx);
    running.wait_quiet().await;
    assert_eq!((texts(&broker), journal.lines()), (vec!["committed".to_owned()], vec!["committed".to_owned()]));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_relay_leaves_it_to_others() {
    let (store, broker) = (MemoryStore::new(), Broker::new("default"));
    let journal = Journal::default();
    let app = || App::only::<(takes,)>().store(store.clone()).transport(broker.clone()).provide(journal.clone());
    let running = app().set("database.relay", false).start().await.unwrap();
    enlist(&running.database().unwrap(), &[keyed("a", "1")]).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(texts(&broker), Vec::<String>::new());
    running.shutdown().await.unwrap();
    assert_eq!(store.outbox().depth().await.unwrap().pending, 1, "nothing is lost");
}

/// The database does not answer for a while.
#[derive(Debug)]
struct Moody {
    inner: MemoryStore,
    is_down: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
}

mod moody {
    //! A store whose outbox answers only in good times.

    use std::{any::Any, time::SystemTime};

    use swit::{
        StoreError, Text,
        store::{Decisions, Depth, Look, Outbox, Parked, Partition, Sagas, Stored, Work},
        transport::BoxFuture,
    };

    use super::*;

    impl Moody {
        fn check(&self) -> Result<(), StoreError> {
            if self.is_down.load(Ordering::Relaxed) {
                return Err(StoreError::Unavailable { doing: "a test", source: "on purpose".into() });
            }
            Ok(())
        }
    }

    impl Store for Moody {
        fn system(&self) -> &'static str {
            "moody"
        }
        fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Work>, StoreError>> {
            self.inner.begin()
        }
        fn result<'a>(
            &'a self,
            subscriber: &'a str,
            id: &'a str,
        ) -> BoxFuture<'a, Result<Option<Option<bytes::Bytes>>, StoreError>> {
            self.inner.result(subscriber, id)
        }
        fn forget(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
            self.inner.forget(before, limit)
        }
        fn due<'a>(
            &'a self,
            job: &'a str,
            every: Duration,
            now: SystemTime,
        ) -> BoxFuture<'a, Result<bool, StoreError>> {
            self.inner.due(job, every, now)
        }
        fn outbox(&self) -> &dyn Outbox {
            self
        }
        fn decisions(&self) -> &dyn Decisions {
            self.inner.decisions()
        }
        fn sagas(&self) -> &dyn Sagas {
            self.inner.sagas()
        }
        fn close(&self) -> BoxFuture<'_, ()> {
            self.inner.close()
        }
        fn as_any(&self) -> &dyn Any {
            self
        }
    }

    macro_rules! checked {
        ($self:ident, $call:expr) => {
            Box::pin(async move {
                $self.check()?;
                $call.await
            })
        };
    }

    impl Outbox for Moody {
        fn partitions(&self) -> BoxFuture<'_, Result<Vec<Partition>, StoreError>> {
            checked!(self, self.inner.outbox().partitions())
        }
        fn take<'a>(&'a self, seen: &'a [Partition], relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
            checked!(self, self.inner.outbox().take(seen, relay))
        }
        fn relays(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>> {
            checked!(self, self.inner.outbox().relays())
        }
        fn leave<'a>(&'a self, relay: &'a str, beat: Option<i64>) -> BoxFuture<'a, Result<(), StoreError>> {
            checked!(self, self.inner.outbox().leave(relay, beat))
        }
        fn beat<'a>(&'a self, relay: &'a str) -> BoxFuture<'a, Result<Vec<u16>, StoreError>> {
            checked!(self, self.inner.outbox().beat(relay))
        }
        fn release<'a>(&'a self, relay: &'a str, partitions: &'a [u16]) -> BoxFuture<'a, Result<(), StoreError>> {
            checked!(self, self.inner.outbox().release(relay, partitions))
        }
        fn pending<'a>(
            &'a self,
            transport: &'a str,
            partitions: &'a [u16],
            look: Look<'a>,
        ) -> BoxFuture<'a, Result<Vec<Stored>, StoreError>> {
            assert!(!self.panics.swap(false, Ordering::Relaxed), "on purpose");
            checked!(self, self.inner.outbox().pending(transport, partitions, look))
        }
        fn waiting_beside<'a>(&'a self, transports: &'a [Text]) -> BoxFuture<'a, Result<Vec<(Text, u64)>, StoreError>> {
            checked!(self, self.inner.outbox().waiting_beside(transports))
        }
        fn done<'a>(&'a self, rows: &'a [i64]) -> BoxFuture<'a, Result<(), StoreError>> {
            checked!(self, self.inner.outbox().done(rows))
        }
        fn park<'a>(&'a self, row: i64, error: &'a str, now: SystemTime) -> BoxFuture<'a, Result<(), StoreError>> {
            checked!(self, self.inner.outbox().park(row, error, now))
        }
        fn parked(&self, behind: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Parked>, StoreError>> {
            checked!(self, self.inner.outbox().parked(behind, limit))
        }
        fn replay<'a>(&'a self, rows: Option<&'a [i64]>) -> BoxFuture<'a, Result<u64, StoreError>> {
            checked!(self, self.inner.outbox().replay(rows))
        }
        fn depth(&self) -> BoxFuture<'_, Result<Depth, StoreError>> {
            checked!(self, self.inner.outbox().depth())
        }
        fn committed(&self) -> BoxFuture<'_, ()> {
            self.inner.outbox().committed()
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_database_that_goes_away_holds_everything_up_and_loses_nothing() {
    let (store, broker, journal) = (MemoryStore::new(), Broker::new("default"), Journal::default());
    let (is_down, panics) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let moody = Moody { inner: store.clone(), is_down: is_down.clone(), panics: panics.clone() };
    let app = App::only::<(takes,)>().store(moody).transport(broker.clone()).provide(journal.clone());
    let running = app.start().await.unwrap();
    let database = running.database().unwrap();
    broker.withhold();
    enlist(&database, &[keyed("a", "1")]).await;
    a_moment().await;
    // Published, and then nobody can note it.
    is_down.store(true, Ordering::Relaxed);
    broker.confirm(100);
    tokio::time::sleep(Duration::from_mins(1)).await;
    enlist(&database, &[keyed("a", "2")]).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(texts(&broker), ["1"]);
    is_down.store(false, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(texts(&broker), ["1", "2"], "what was confirmed is removed first, and not published again");
    assert_eq!(store.outbox().depth().await.unwrap().pending, 0);
    // What panics ends no relay.
    panics.store(true, Ordering::Relaxed);
    enlist(&database, &[keyed("a", "3")]).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!panics.load(Ordering::Relaxed) && texts(&broker)[2..] == ["3"], "{:?}", texts(&broker));
    running.shutdown().await.unwrap();
}
