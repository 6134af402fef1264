//! Named publishers: what their attribute says is what happens.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    App, Classify, Context, Event, Next, Outcome, PublishError, Publisher, State, middleware, provider, publisher,
    subscriber, testing::TestApp,
};
use tokio::time::Instant;

use super::{Note, note, start, takes_notes};
use crate::{
    broker::Broker,
    support::{Journal, Task, task},
};

#[publisher(event = Note, partition = author)]
struct NotesPublisher;

#[publisher(event = Note, confirm = "5s")]
struct PatientPublisher;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "nobody.listens", unrouted = "ignore")]
struct Unheard {}

#[publisher(event = Unheard, unrouted = "error")]
struct StrictPublisher;

#[publisher(event = Note, transport = "elsewhere")]
struct ElsewherePublisher;

#[derive(Debug, Event)]
enum Either {
    Note(Note),
    Unheard(Unheard),
}

#[publisher(event = Either)]
struct EitherPublisher;

#[middleware(global = false)]
async fn publishes_around(cx: &mut Context, next: Next<'_>, notes: Publisher<NotesPublisher>) -> Outcome {
    if let Err(error) = notes.publish(&note("from middleware")).await {
        return Outcome::fail(error);
    }
    next.run(cx).await
}

#[subscriber(middleware = [publishes_around], retries = 1, backoff = none)]
async fn writes(task: Task, notes: Publisher<NotesPublisher>, early: State<Early>) -> Result<(), PublishError> {
    notes.publish(&note(task.text)).await?;
    early.0.publish(&note("from a provider's")).await?;
    Err(PublishError::Closed)
}

struct Early(Publisher<NotesPublisher>);

#[provider]
async fn early(notes: Publisher<NotesPublisher>) -> Result<Early, std::io::Error> {
    // It waits until the service has started, and goes out although nobody waits for it.
    drop(notes.publish(&note("early")));
    Ok(Early(notes))
}

#[tokio::test(start_paused = true)]
async fn taken_everywhere_with_key_and_derived_ids() {
    let app = TestApp::start(App::only::<(writes, takes_notes)>().with_provider_of::<Early>()).await.unwrap();
    app.publish(&task("from a handler")).await.unwrap();
    app.wait_quiet().await;
    let messages = app.published_to("note.written");
    assert_eq!(app.published::<Note>()[0], note("early"));
    assert_eq!(messages.len(), 1 + 2 * 3);
    assert!(messages.iter().all(|message| message.key.as_deref() == Some("7")), "{messages:?}");
    let ids = |range: std::ops::Range<usize>| messages[range].iter().map(|m| m.id.to_string()).collect::<Vec<_>>();
    // The middleware's and the handler's repeat with the retry; the provider's belongs to no delivery.
    assert_eq!(ids(1..3), ids(4..6));
    assert_ne!(ids(3..4), ids(6..7));
    assert!(messages[1].causation_id.is_some() && messages[3].causation_id.is_none());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_confirmation_in_time_the_outcome_is_unknown() {
    for (app, seconds) in
        [(App::only::<(takes_notes,)>(), 5), (App::only::<(takes_notes,)>().set("publisher.patient.confirm", "2s"), 2)]
    {
        let (running, broker) = start(app.with_publisher::<PatientPublisher>()).await;
        broker.withhold();
        let began = Instant::now();
        let error = running.publisher_of::<PatientPublisher>().unwrap().publish(&note("x")).await.unwrap_err();
        assert_eq!(began.elapsed().as_secs(), seconds);
        assert!(matches!(error, PublishError::Timeout { .. }), "{error}");
        assert!(error.to_string().contains("the outcome is unknown"), "{error}");
        assert!(error.classify().class.retryable());
        running.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_room_in_time_the_outcome_is_known() {
    use swit::transports::memory::{MemoryOptions, MemoryTransport};
    let transport = MemoryTransport::new("default", MemoryOptions::default().with_capacity(1));
    let app = App::only::<(blocks,)>().with_publisher::<PatientPublisher>().transport(std::sync::Arc::new(transport));
    let running = app.start().await.unwrap();
    let publisher = running.publisher_of::<PatientPublisher>().unwrap();
    publisher.publish(&note("first")).await.unwrap();
    let began = Instant::now();
    let error = publisher.publish(&note("second")).await.unwrap_err();
    assert_eq!(began.elapsed().as_secs(), 5);
    assert!(matches!(error, PublishError::Full { .. }), "{error}");
    assert!(running.shutdown_within(Duration::from_secs(1)).await.is_err());
}

#[subscriber(timeout = "1h")]
async fn blocks(_note: Note) {
    std::future::pending::<()>().await;
}

#[subscriber(retries = 0)]
async fn publishes_under_a_delivery(_task: Task, publisher: Publisher, journal: State<Journal>) {
    let began = Instant::now();
    let answer = publisher.publish(&note("x")).await;
    journal.note(format!("{} {}", began.elapsed().as_secs(), matches!(answer, Err(PublishError::Timeout { .. }))));
}

#[tokio::test(start_paused = true)]
async fn under_a_delivery_no_confirmation_is_waited_for_longer_than_five_seconds() {
    let journal = Journal::default();
    let app = App::only::<(publishes_under_a_delivery, takes_notes)>().provide(journal.clone());
    let (running, broker) = start(app).await;
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    broker.withhold();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(journal.lines(), ["5 true"]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_publisher_says_what_becomes_of_what_nobody_takes() {
    let app = App::only::<(takes_notes,)>().with_publisher::<StrictPublisher>();
    let app = TestApp::start(app).await.unwrap();
    app.publisher().publish(&Unheard {}).await.unwrap();
    let strict = app.running().publisher_of::<StrictPublisher>().unwrap();
    let error = strict.publish(&Unheard {}).await.unwrap_err();
    assert!(matches!(error, PublishError::Unrouted { .. }), "{error}");
    app.shutdown().await.unwrap();
    let app = App::only::<(takes_notes,)>().with_publisher::<StrictPublisher>();
    let app = TestApp::start(app.set("publisher.strict.unrouted", "warn")).await.unwrap();
    app.running().publisher_of::<StrictPublisher>().unwrap().publish(&Unheard {}).await.unwrap();
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_publisher_goes_to_its_transport() {
    let (here, elsewhere) = (Broker::new("default"), Broker::new("elsewhere"));
    let app = App::only::<(takes_notes,)>().with_publisher::<ElsewherePublisher>();
    let running = app.transport(here.clone()).transport(elsewhere.clone()).start().await.unwrap();
    running.publisher_of::<ElsewherePublisher>().unwrap().publish(&note("x")).await.unwrap();
    assert_eq!((here.taken().len(), elsewhere.taken().len()), (0, 1));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_enum_of_events_goes_to_the_topics_of_its_variants() {
    let app = App::only::<(takes_notes,)>().with_publisher::<EitherPublisher>();
    let app = TestApp::start(app).await.unwrap();
    let either = app.running().publisher_of::<EitherPublisher>().unwrap();
    let events = [Either::Note(note("x")), Either::Unheard(Unheard {})];
    assert!(either.publish_all(&events).await.iter().all(Result::is_ok));
    assert_eq!((app.published_to("note.written").len(), app.published_to("nobody.listens").len()), (1, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_publisher_that_is_no_part_of_the_app_says_so() {
    let app = TestApp::start(App::only::<(takes_notes,)>()).await.unwrap();
    let error = app.running().publisher_of::<StrictPublisher>().unwrap_err();
    assert!(error.to_string().contains("the publisher `strict` is not part of this app"), "{error}");
    app.shutdown().await.unwrap();
}
