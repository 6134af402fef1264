//! Publish-side middleware: around everything that users publish, and around nothing that settlement does.

use std::{sync::Mutex, time::Duration};

use swit::{
    App, Class, Clock, Message, MessageId, Publish, PublishError, PublishMiddleware, PublishNext, Publisher, State,
    middleware, provider, publisher, subscriber, testing::TestApp, transport::BoxFuture,
};
use tokio::time::{Instant, timeout};

use super::{Note, note, start, takes_notes, texts};
use crate::support::{Journal, Task, task};

type Published = Result<MessageId, PublishError>;

#[publisher(event = Note)]
struct SignedPublisher;

#[publisher(event = Note, batch(messages = 2, every = "1m"), async)]
struct LaterPublisher;

/// Writes down what it sees, around what runs further inside.
#[middleware(publish, order = 10)]
async fn sign(message: &mut Message, next: PublishNext<'_>, journal: State<Journal>, _clock: Clock) -> Published {
    assert!(!message.id.is_empty() && message.timestamp.is_some());
    message.headers.insert("x-signature", message.payload.len().to_string());
    journal.note(format!("sign {} by {}", message.topic, next.publisher().unwrap_or("-")));
    let answer = next.run(message).await;
    // The message is still there after it has gone out.
    journal.note(format!("signed {} {}", message.topic, answer.is_ok()));
    answer
}

#[middleware(publish, order = -5, only = ["signed"])]
async fn named_only(message: &mut Message, next: PublishNext<'_>, journal: State<Journal>) -> Published {
    journal.note("named only");
    next.run(message).await
}

#[middleware(publish, order = 20, except = ["signed"], topics = ["note.*"])]
async fn notes_without_a_name(message: &mut Message, next: PublishNext<'_>, journal: State<Journal>) -> Published {
    journal.note(format!("notes {}", message.headers.get_str("x-signature").unwrap_or("unsigned")));
    next.run(message).await
}

#[subscriber(retries = 1, backoff = fixed("10s"))]
async fn returns_and_publishes(
    task: Task,
    plain: Publisher,
    named: Publisher<SignedPublisher>,
) -> Result<Publish<Note>, PublishError> {
    if task.text == "fail" {
        return Err(PublishError::Closed);
    }
    plain.publish(&note("plain")).await?;
    named.publish(&note("named")).await?;
    Ok(Publish(note("returned")))
}

#[tokio::test(start_paused = true)]
async fn it_stands_around_everything_that_users_publish_and_nothing_else() {
    let journal = Journal::default();
    let app = App::only::<(returns_and_publishes, takes_notes)>().with_publish_middleware::<sign>();
    let app = TestApp::start(app.provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let signed = |message: &Message| message.headers.get_str("x-signature").is_some();
    assert_eq!(app.published_to("note.written").iter().filter(|message| signed(message)).count(), 3);
    assert!(app.published_to("task.created").iter().all(signed));
    let seen = journal.lines().len();
    assert_eq!(seen, 8);
    // A retry through the transport's delay and a dead letter are copies that settlement makes.
    let unsigned = Message::new("", serde_json::to_vec(&task("fail")).unwrap());
    app.running().scope().publisher("default").unwrap();
    app.publish_to("task.created", unsigned).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("returns-and-publishes").len(), 1);
    assert_eq!(journal.lines().len(), seen + 2);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn order_and_reach_are_as_written_and_as_configured() {
    let journal = Journal::default();
    let app = || {
        App::only::<(takes_notes,)>()
            .with_publisher::<SignedPublisher>()
            .with_publish_middleware::<sign>()
            .with_publish_middleware::<named_only>()
            .with_publish_middleware::<notes_without_a_name>()
            .provide(journal.clone())
    };
    let run = async |app: App| {
        let before = journal.lines().len();
        let app = TestApp::start(app).await.unwrap();
        app.publisher().publish(&note("a")).await.unwrap();
        app.running().publisher_of::<SignedPublisher>().unwrap().publish(&note("a")).await.unwrap();
        app.publish_to("other.topic", Message::new("", "x")).await.unwrap();
        app.shutdown().await.unwrap();
        journal.lines().split_off(before)
    };
    let (plain, other) = (
        ["sign note.written by -", "notes 23", "signed note.written true"],
        ["sign other.topic by -", "signed other.topic true"],
    );
    let named = ["named only", "sign note.written by signed", "signed note.written true"];
    assert_eq!(run(app()).await, [&plain[..], &named, &other].concat());
    let configured = app()
        .set("middleware.sign.enabled", false)
        .set("middleware.named-only.only", Vec::<String>::new())
        .set("middleware.notes-without-a-name.order", -10)
        .set("middleware.notes-without-a-name.except", Vec::<String>::new());
    let lines = ["notes unsigned", "named only", "notes unsigned", "named only", "named only"];
    assert_eq!(run(configured).await, lines);
}

#[middleware(publish)]
async fn refuses(message: &mut Message, next: PublishNext<'_>) -> Published {
    match String::from_utf8_lossy(&message.payload) {
        text if text.contains("refuse") => Err(PublishError::prevented(Class::Throttle, "not today")),
        text if text.contains("panic") => panic!("on purpose"),
        text if text.contains("reserved") => {
            message.headers.insert("x-swit-topic", "forged");
            next.run(message).await
        }
        text if text.contains("nameless") => {
            message.id = MessageId::EMPTY;
            next.run(message).await
        }
        _ => next.run(message).await,
    }
}

#[tokio::test(start_paused = true)]
async fn it_may_refuse_and_what_it_adds_is_checked() {
    let app = App::only::<(takes_notes,)>().with_publish_middleware::<refuses>();
    let app = TestApp::start(app).await.unwrap();
    let publish = async |text: &str| app.publish(&note(text)).await;
    let refused = publish("refuse").await.unwrap_err();
    assert!(matches!(refused, PublishError::Prevented { class: Class::Throttle, .. }), "{refused}");
    assert!(refused.to_string().contains("not today"));
    let panicked = publish("panic").await.unwrap_err();
    assert!(matches!(panicked, PublishError::Prevented { class: Class::Transient, .. }), "{panicked}");
    assert!(matches!(publish("reserved").await, Err(PublishError::ReservedHeader { .. })));
    assert!(matches!(publish("nameless").await, Err(PublishError::EmptyId { .. })));
    publish("fine").await.unwrap();
    assert_eq!(app.published::<Note>(), [note("fine")]);
    app.shutdown().await.unwrap();
}

/// Waits as many milliseconds as the note's text says.
struct Waits;

impl PublishMiddleware for Waits {
    fn publish<'a>(&'a self, message: &'a mut Message, next: PublishNext<'a>) -> BoxFuture<'a, Published> {
        Box::pin(async move {
            let text = serde_json::from_slice::<Note>(&message.payload).unwrap().text;
            if text == "never" {
                return Err(PublishError::prevented(Class::Permanent, "never"));
            }
            tokio::time::sleep(Duration::from_millis(text.parse().unwrap())).await;
            next.run(message).await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_that_waits_does_not_change_the_order() {
    let (running, broker) = start(App::only::<(takes_notes,)>().publish_middleware("waits", 0, Waits)).await;
    let began = Instant::now();
    let notes = ["300", "never", "100", "200", "1"].map(note);
    let answers = running.publisher().unwrap().publish_all(&notes).await;
    assert!(answers[1].is_err() && answers.iter().filter(|answer| answer.is_ok()).count() == 4);
    assert_eq!(texts(&broker), ["300", "100", "200", "1"]);
    // They wait at the same time.
    assert_eq!(began.elapsed().as_millis(), 300);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_inside_of_middleware_is_published() {
    let (running, broker) = start(App::only::<(takes_notes,)>().publish_middleware("waits", 0, Waits)).await;
    drop(running.publisher().unwrap().publish(&note("50")));
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(texts(&broker), ["50"]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn batches_and_queues_stand_behind_it() {
    let app = App::only::<(takes_notes,)>().with_publisher::<LaterPublisher>().publish_middleware("waits", 0, Waits);
    let (running, broker) = start(app).await;
    let publisher = running.publisher_of::<LaterPublisher>().unwrap();
    for text in ["30", "10", "20", "never", "1"] {
        publisher.publish(&note(text)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(31)).await;
    assert_eq!(texts(&broker), ["30", "10", "20", "1"]);
    assert_eq!(running.publishers()[0].failed, 1);
    // A flush also reaches what is still in the middleware when it begins.
    publisher.publish(&note("70")).await.unwrap();
    timeout(Duration::from_secs(1), publisher.flush()).await.unwrap();
    assert_eq!(texts(&broker).len(), 5);
    running.shutdown().await.unwrap();
}

/// Built after the provider that publishes.
struct Keys(Mutex<u32>);

struct Early;

#[provider]
async fn early_bird(publisher: Publisher, journal: State<Journal>) -> Result<Early, std::io::Error> {
    drop(publisher.publish(&note("early")));
    journal.note("published");
    Ok(Early)
}

#[provider]
async fn keys(_early: State<Early>, journal: State<Journal>) -> Result<Keys, std::io::Error> {
    journal.note("keys are built");
    Ok(Keys(Mutex::new(0)))
}

#[middleware(publish)]
async fn with_keys(message: &mut Message, next: PublishNext<'_>, keys: State<Keys>) -> Published {
    *keys.0.lock().unwrap() += 1;
    next.run(message).await
}

#[tokio::test(start_paused = true)]
async fn what_a_provider_publishes_waits_until_the_middleware_has_what_it_takes() {
    let journal = Journal::default();
    let app = App::only::<(takes_notes,)>()
        .with_publish_middleware::<with_keys>()
        .with_provider_of::<Early>()
        .with_provider_of::<Keys>()
        .provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    app.running().flush().await;
    assert_eq!(journal.lines(), ["published", "keys are built"]);
    assert_eq!(app.published::<Note>(), [note("early")]);
    app.shutdown().await.unwrap();
}

#[test]
fn what_its_arguments_need_is_checked_with_the_graph() {
    let report = App::only::<(takes_notes,)>().with_publish_middleware::<with_keys>().check().unwrap_err();
    assert!(report.to_string().contains("`with-keys` takes `State<"), "{report}");
}
