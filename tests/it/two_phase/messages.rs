//! The outbox and a cache as participants.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    App, BoxError, Clock, Context, Database, Event, Message, MessageId, Publisher, State,
    middlewares::{Cache, CacheParticipant, MokaCache},
    provider, publisher,
    store::{Decisions as _, Store},
    stores::MemoryStore,
    subscriber,
    testing::TestApp,
    two_phase::{Coordinator, MessagingParticipant},
};

use super::{Act, Flaky, Script, Scripted};
use crate::support::Journal;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.placed")]
struct Placed {
    number: u64,
}

#[subscriber(topic = "order.placed")]
async fn sees(placed: Placed, journal: State<Journal>) {
    journal.note(placed.number.to_string());
}

async fn app(store: impl Store, journal: &Journal) -> TestApp {
    let began = tokio::time::Instant::now();
    let clock = Clock::injected(move || std::time::UNIX_EPOCH + Duration::from_hours(24) + began.elapsed());
    let app = App::only::<(sees,)>().service("shop", "1").store(store).provide(journal.clone()).clock(clock);
    TestApp::start(app).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn publications_go_out_and_values_are_written_once_it_is_decided() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = app(store.clone(), &journal).await;
    let database = app.running().database().unwrap();
    let messages = MessagingParticipant::new("messages", &database);
    let cache = MokaCache::new(100);
    let cached = CacheParticipant::new("cache", cache.clone(), &database);
    let script = Script { prepare: [Act::Slow, Act::Fail].into(), ..Script::default() };
    let orders = Scripted::new("orders", script);
    let coordinator = Coordinator::on(&database)
        .participant(messages.clone())
        .participant(cached.clone())
        .participant(orders.clone())
        .open()
        .await
        .unwrap();
    let place = async |number: u64| {
        let placing = coordinator.execute(async |mut tx| {
            tx.of(&orders)?.write();
            tx.of(&messages)?.publish(&Placed { number }).await?;
            tx.of(&cached)?.set("last", number.to_string(), Duration::from_mins(1));
            Ok::<_, BoxError>(())
        });
        placing.await
    };
    let looks = async {
        // The messages are prepared by now, the orders are not.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let entries = store.decisions().unfinished("", 10).await.unwrap();
        assert_eq!((entries.len(), entries[0].decision), (1, None));
        assert_eq!(store.outbox().depth().await.unwrap().pending, 0, "a relay would publish it");
        assert_eq!(cache.get("last").await.unwrap(), None);
        assert_eq!(journal.lines(), Vec::<String>::new());
    };
    let (placed, ()) = tokio::join!(place(1), looks);
    placed.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1"]);
    assert_eq!(cache.get("last").await.unwrap().as_deref(), Some(&b"1"[..]));
    // One that is rolled back leaves nothing.
    place(2).await.unwrap_err();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1"]);
    assert_eq!(cache.get("last").await.unwrap().as_deref(), Some(&b"1"[..]));
    place(3).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1", "3"]);
    assert_eq!(cache.get("last").await.unwrap().as_deref(), Some(&b"3"[..]));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(cache.get("last").await.unwrap(), None, "its time goes on from when it was set");
}

#[tokio::test(start_paused = true)]
async fn what_was_prepared_survives_the_process_that_prepared_it() {
    let (store, journal) = (Flaky::default(), Journal::default());
    let app = app(store.clone(), &journal).await;
    let database = app.running().database().unwrap();
    let cache = MokaCache::new(100);
    for (act, number) in [(Act::Hang, 1_u64), (Act::HangAfter, 2)] {
        store.decide.lock().unwrap().push_back(act);
        // A process that is cut off when all have prepared: before its decision is written, or after it.
        let messages = MessagingParticipant::new("messages", &database);
        let cached = CacheParticipant::new("cache", cache.clone(), &database);
        let options = Coordinator::on(&database).participant(messages.clone()).participant(cached.clone());
        let coordinator = options.open().await.unwrap();
        let placing = coordinator.execute(async |mut tx| {
            tx.of(&messages)?.publish(&Placed { number }).await?;
            tx.of(&cached)?.set("last", number.to_string(), Duration::from_mins(5));
            Ok::<_, BoxError>(())
        });
        tokio::time::timeout(Duration::from_secs(1), placing).await.unwrap_err();
        assert_eq!(store.inner.unfinished("", 10).await.unwrap().len(), 1);
        assert_eq!((journal.lines().len(), cache.get("last").await.unwrap()), (0, None));
        // Another, later.
        let messages = MessagingParticipant::new("messages", &database);
        let cached = CacheParticipant::new("cache", cache.clone(), &database);
        let _recovers = Coordinator::on(&database).participant(messages).participant(cached).open().await.unwrap();
        tokio::time::sleep(Duration::from_mins(1)).await;
        app.wait_quiet().await;
        assert_eq!(store.inner.unfinished("", 10).await.unwrap(), []);
    }
    assert_eq!(journal.lines(), ["2"], "the first was not decided");
    assert_eq!(cache.get("last").await.unwrap().as_deref(), Some(&b"2"[..]));
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.asked")]
struct Asked {
    number: u64,
}

#[derive(Clone)]
struct Places {
    coordinator: Coordinator,
    messages: MessagingParticipant,
}

#[provider]
async fn places(database: Database) -> Result<Places, BoxError> {
    let messages = MessagingParticipant::new("messages", &database);
    let coordinator = Coordinator::on(&database).participant(messages.clone()).open().await?;
    Ok(Places { coordinator, messages })
}

#[publisher(event = Placed, transactional)]
struct Placing;

/// Publishes by both ways; a business function that fails leaves nothing.
#[subscriber(topic = "order.asked")]
async fn places_it(asked: Asked, by: State<Places>, publisher: Publisher<Placing>) -> Result<(), BoxError> {
    let place = async |number: u64, fails: bool| {
        let placed = by.coordinator.execute(async |mut tx| {
            let messages = tx.of(&by.messages)?;
            messages.publish(&Placed { number }).await?;
            messages.publish_by(&publisher, &Placed { number: number + 1 }).await?;
            if fails { Err(BoxError::from("no")) } else { Ok(()) }
        });
        placed.await
    };
    assert!(place(asked.number, true).await.is_err());
    place(asked.number, false).await?;
    Ok(())
}

/// Notes what ties it to what came before.
struct Ties(Journal);

impl swit::Middleware for Ties {
    fn handle<'a>(
        &'a self,
        cx: &'a mut Context,
        next: swit::Next<'a>,
    ) -> swit::transport::BoxFuture<'a, swit::Outcome> {
        let Message { id, topic, causation_id, correlation_id, headers, .. } = cx.message();
        let trace = headers.get("traceparent").and_then(|value| value.as_str()).unwrap_or("none");
        let caused = causation_id.as_ref().map(ToString::to_string);
        if topic == "order.placed" {
            assert!(!id.is_empty());
            self.0.note(format!("{caused:?} {correlation_id:?} {trace}"));
        }
        next.run(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_published_under_a_delivery_is_tied_to_it() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let (journal, ties) = (Journal::default(), Journal::default());
    let app = App::only::<(places_it, sees)>()
        .service("shop", "1")
        .store(MemoryStore::new())
        .with_provider_of::<Places>()
        .with_publisher::<Placing>()
        .middleware("ties", 0, Ties(ties.clone()))
        .provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    let mut asked = Asked { number: 1 }.encode().unwrap().with_id(MessageId::parse("the-input").unwrap());
    asked.correlation_id = Some("the-order".into());
    asked.headers.insert("traceparent", TRACE);
    app.publish_to("order.asked", asked).await.unwrap();
    app.wait_quiet().await;
    let mut seen = journal.lines();
    seen.sort();
    assert_eq!(seen, ["1", "2"]);
    let wanted = format!("Some(\"the-input\") Some(\"the-order\") {TRACE}");
    assert_eq!(ties.lines(), [wanted.clone(), wanted]);
    // Outside of any delivery there is nothing to be tied to.
    let places = app.running().scope().get::<Places>().unwrap();
    let outside = places.coordinator.execute(async |mut tx| {
        tx.of(&places.messages)?.publish(&Placed { number: 7 }).await?;
        Ok::<_, BoxError>(())
    });
    outside.await.unwrap();
    app.wait_quiet().await;
    assert_eq!(ties.lines()[2..], ["None None none"]);
    let page = app.running().metrics().unwrap().page().await;
    for line in [
        "swit_messaging_transactions_total{coordinator=\"shop\",outcome=\"committed\"} 2\n",
        "swit_messaging_transactions_total{coordinator=\"shop\",outcome=\"rolled_back\"} 1\n",
        "swit_messaging_transactions_total{coordinator=\"shop\",outcome=\"in_doubt\"} 0\n",
        "swit_messaging_transactions_in_doubt{coordinator=\"shop\"} 0\n",
    ] {
        assert!(page.contains(line), "{line}{page}");
    }
    app.shutdown().await.unwrap();
}
