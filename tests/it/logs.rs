//! The log: each line of a failure says which message, which subscriber, which attempt, which trace, and why, on one line.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use swit::{
    Ack, App, Batch, Message, MessageId, Outcome, PublisherConfig, State, Unrouted, event_handler,
    store::{Enlisted, Store as _},
    stores::MemoryStore,
    subscriber,
    testing::TestApp,
};
use tracing::{Level, level_filters::LevelFilter, subscriber::DefaultGuard};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::{
    broker::Broker,
    support::{Journal, Task},
    traces::Seen,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
/// A foreign id, made to look like a line of the log.
const ID: &str = "7\nERROR everything is lost \u{1b}[31m";
const SHOWN_ID: &str = "7\\nERROR everything is lost \\u{1b}[31m";

/// What is logged on this thread, as JSON.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn capture(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(LevelFilter::from_level(level)).with(layer);
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// Every line that was written; each must be one object.
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}"))).collect()
    }

    /// The lines that say this.
    fn say(&self, message: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["message"] == message).collect()
    }
}

/// Whether a line names the message, where it is, and its trace.
#[track_caller]
fn assert_names(line: &Value, subscriber: &str, attempt: u32) {
    assert_eq!(line["message_id"], SHOWN_ID, "{line}");
    assert_eq!(line["topic"], "task.created", "{line}");
    assert_eq!(line["trace_id"], TRACE, "{line}");
    assert_eq!(line["subscriber"], subscriber, "{line}");
    assert_eq!(line["attempt"], attempt, "{line}");
}

fn message(text: &str) -> Message {
    let payload = serde_json::to_vec(&serde_json::json!({ "key": "k", "text": text })).unwrap();
    Message::new("task.created", payload)
        .with_id(MessageId::parse(ID).unwrap())
        .with_header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"))
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("1s"), timeout = "5s")]
async fn ends_badly(task: Task) -> Result<Outcome, std::io::Error> {
    match task.text.as_str() {
        "fails" => Err(std::io::Error::other(format!("no\nroom{}", "!".repeat(9_000)))),
        "panics" => panic!("on\npurpose"),
        "hangs" => std::future::pending().await,
        "unwanted" => Ok(Outcome::discard("not\nours")),
        _ => Ok(Outcome::Success),
    }
}

async fn run(app: App, text: &str) -> Log {
    let (log, _guard) = Log::capture(Level::DEBUG);
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", message(text)).await.unwrap();
    app.wait_quiet().await;
    app.shutdown().await.unwrap();
    log
}

#[tokio::test(start_paused = true)]
async fn every_attempt_that_fails_and_the_end_of_it_name_the_message() {
    for (text, kind, error) in [
        ("fails", "Handler", "no\\nroom"),
        ("panics", "Panic", "the handler panicked: on\\npurpose"),
        ("hangs", "Timeout", "5s"),
    ] {
        let log = run(App::only::<(ends_badly,)>(), text).await;
        let failed = log.say("attempt failed");
        assert_eq!(failed.len(), 2, "{text}: {failed:#?}");
        for (line, attempt) in failed.iter().zip(1..) {
            assert_names(line, "ends-badly", attempt);
            assert_eq!((&line["level"], &line["kind"]), (&"WARN".into(), &kind.into()), "{line}");
            let said = line["error"].as_str().unwrap();
            assert!(said.contains(error) && said.len() <= 4_096, "{said}");
        }
        let again = log.say("is tried again");
        assert_eq!((again.len(), &again[0]["level"], &again[0]["retry_in"]), (1, &"DEBUG".into(), &"1s".into()));
        assert_names(&again[0], "ends-badly", 2);
        let dead = log.say("dead-lettered");
        assert_eq!((dead.len(), &dead[0]["reason"]), (1, &"max_retries_exceeded".into()), "{dead:#?}");
        assert_names(&dead[0], "ends-badly", 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_discarded_or_can_t_be_read_is_named() {
    let log = run(App::only::<(ends_badly,)>(), "unwanted").await;
    let discarded = log.say("discarded");
    assert_eq!((discarded.len(), &discarded[0]["reason"]), (1, &"not\\nours".into()), "{discarded:#?}");
    assert_names(&discarded[0], "ends-badly", 1);
    let (log, _guard) = Log::capture(Level::INFO);
    let app = TestApp::start(App::only::<(ends_badly,)>()).await.unwrap();
    let mut broken = message("");
    broken.payload = bytes::Bytes::from_static(b"{");
    app.publish_to("task.created", broken).await.unwrap();
    app.wait_quiet().await;
    for said in ["attempt failed", "dead-lettered"] {
        let lines = log.say(said);
        assert_eq!(lines.len(), 1, "{said}: {lines:#?}");
        assert_names(&lines[0], "ends-badly", 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_malformed_trace_is_no_trace() {
    let (log, _guard) = Log::capture(Level::INFO);
    let app = TestApp::start(App::only::<(ends_badly,)>()).await.unwrap();
    app.publish_to("task.created", message("fails").with_header("traceparent", "00-nonsense")).await.unwrap();
    app.wait_quiet().await;
    let failed = log.say("attempt failed");
    assert_eq!(failed.len(), 2);
    assert!(failed.iter().all(|line| line.get("trace_id").is_none()), "{failed:#?}");
}

#[tokio::test(start_paused = true)]
async fn success_says_nothing() {
    let (log, _guard) = Log::capture(Level::INFO);
    let app = TestApp::start(App::only::<(ends_badly,)>()).await.unwrap();
    let before = log.lines().len();
    for _ in 0..100 {
        app.publish_to("task.created", message("well")).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(log.lines().len(), before, "{:#?}", log.lines());
    assert_eq!(app.attempts("ends-badly"), 100);
}

#[subscriber(topic = "task.created", ack = "manual")]
async fn drops_its_ack(_task: Task, ack: Ack, journal: State<Journal>) {
    journal.note("called");
    if journal.lines().len() == 1 { drop(ack) } else { ack.ack() }
}

#[tokio::test(start_paused = true)]
async fn an_ack_that_was_dropped_is_named() {
    let log = run(App::only::<(drops_its_ack,)>().provide(Journal::default()), "x").await;
    let dropped = log.say("the handler dropped its `Ack` without settling; the message is requeued");
    assert_eq!(dropped.len(), 1, "{:#?}", log.lines());
    assert_names(&dropped[0], "drops-its-ack", 1);
}

#[subscriber(topic = "task.created", retries = 1, backoff = none, batch(max = 10, within = "100ms"))]
async fn fails_together(_tasks: Batch<Task>) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("all of it"))
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_failed_names_its_first() {
    let log = run(App::only::<(fails_together,)>(), "x").await;
    let failed = log.say("a batch failed");
    assert_eq!((failed.len(), &failed[0]["messages"]), (1, &1.into()), "{:#?}", log.lines());
    assert_names(&failed[0], "fails-together", 1);
    assert_names(&log.say("dead-lettered")[0], "fails-together", 2);
}

swit::composite!(told_of, strategy = best_effort, topic = "task.created", retries = 0);

#[event_handler(composite = told_of, order = 1)]
async fn does_not_want_it(_task: Task) -> Outcome {
    Outcome::discard("not for me")
}

#[event_handler(composite = told_of, order = 2)]
async fn fails_alone(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("alone"))
}

#[tokio::test(start_paused = true)]
async fn event_handlers_name_the_message() {
    let log = run(App::only::<(told_of,)>(), "x").await;
    for (said, handler) in [
        ("an event handler discarded the message", "does-not-want-it"),
        ("an event handler failed, which fails nothing else", "fails-alone"),
    ] {
        let lines = log.say(said);
        assert_eq!((lines.len(), &lines[0]["handler"]), (1, &handler.into()), "{:#?}", log.lines());
        assert_names(&lines[0], "told-of", 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_failed_is_named() {
    let (log, _guard) = Log::capture(Level::INFO);
    let broker = Broker::new("default");
    broker.refuse("refused");
    let app = App::only::<()>().without_environment().transport(broker.clone());
    let running = app.start().await.unwrap();
    let publisher = running.handle().publisher(PublisherConfig::new("in-the-background").background(10)).unwrap();
    publisher.publish_to("task.created", message("refused")).await.unwrap();
    running.flush().await;
    let failed = log.say("an asynchronous publication failed");
    assert_eq!((failed.len(), &failed[0]["publisher"]), (1, &"in-the-background".into()), "{:#?}", log.lines());
    assert_eq!((&failed[0]["message_id"], &failed[0]["trace_id"]), (&SHOWN_ID.into(), &TRACE.into()));
    assert!(failed[0]["error"].as_str().unwrap().contains("on purpose"));
    // One that nobody waits for any more.
    broker.withhold();
    drop(running.publisher().unwrap().publish_to("task.created", message("refused")));
    broker.confirm(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let unwaited = log.say("a publication that nobody waited for failed");
    assert_eq!(unwaited.len(), 1, "{:#?}", log.lines());
    assert_eq!((&unwaited[0]["message_id"], &unwaited[0]["topic"]), (&SHOWN_ID.into(), &"task.created".into()));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_that_came_without_a_trace_is_named_with_the_one_that_it_is_in() {
    let seen = Seen::default();
    let (log, _guard) = Log::capture(Level::DEBUG);
    let app = TestApp::start(seen.by(App::only::<(ends_badly, told_of)>().service("shop", "1.2.3"))).await.unwrap();
    // Past every publisher: as from somebody who traces nothing.
    let port = app.running().scope().publisher("default").unwrap().clone();
    let mut without = Message::new("task.created", r#"{"key":"k","text":"fails"}"#);
    without.content_type = Some("application/json".into());
    without.id = MessageId::parse(ID).unwrap();
    port.publish(swit::transport::Publication::new(without)).await.unwrap();
    app.wait_quiet().await;
    let attempts = seen.named("process shop.ends-badly");
    assert_eq!(attempts.len(), 2);
    let trace = attempts[0].span_context.trace_id().to_string();
    for (said, times) in [
        ("attempt failed", 2),
        ("is tried again", 1),
        ("dead-lettered", 1),
        ("an event handler discarded the message", 1),
        ("an event handler failed, which fails nothing else", 1),
    ] {
        let lines = log.say(said);
        assert_eq!(lines.len(), times, "{said}: {lines:#?}");
        for line in lines {
            assert_eq!(line["trace_id"], trace.as_str(), "{line}");
        }
    }
    app.shutdown().await.unwrap();
}

/// What nobody here will ever publish is told of, once, and counted.
#[tokio::test(start_paused = true)]
async fn publications_for_a_transport_that_is_not_there_are_told_of_once() {
    let (log, _guard) = Log::capture(Level::WARN);
    let store = MemoryStore::new();
    let mut work = store.begin().await.unwrap();
    let publication = |transport: &'static str| Enlisted {
        message: Message::new("task.created", "{}").with_id(MessageId::parse("1").unwrap()),
        transport: transport.into(),
        unrouted: Unrouted::Warn,
        due: None,
    };
    let gone = [publication("gone"), publication("gone"), publication("default")];
    work.enlist(&gone, std::time::UNIX_EPOCH).await.unwrap();
    work.commit().await.unwrap();
    let app = TestApp::start(App::only::<()>().store(store.clone())).await.unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    let told: Vec<_> = log.lines().into_iter().filter(|line| line["transport"] == "gone").collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["level"], &told[0]["waiting"]), (&"WARN".into(), &2.into()));
    assert!(told[0]["message"].as_str().unwrap().contains("that this program does not have"), "{told:?}");
    assert_eq!(store.outbox().depth().await.unwrap().pending, 2);
    app.shutdown().await.unwrap();
}
