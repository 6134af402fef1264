//! A trace says what became of its message, also where no handler saw it.

use opentelemetry::trace::{SpanKind, Status};
use swit::{App, Batch, Context, ErrorAction, Message, Next, Outcome, State, middleware, subscriber, testing::TestApp};
use tokio::time::{Duration, sleep};

use super::{Seen, assert_child, assert_kind, attribute, links};
use crate::support::{Journal, Task, task};

fn json(body: &'static str) -> Message {
    Message::new("task.created", body).with_content_type("application/json")
}

async fn never_mind(_cx: &Context, _error: &std::io::Error) -> ErrorAction {
    ErrorAction::Discard
}

#[middleware(global = false)]
async fn guards(cx: &mut Context, next: Next<'_>) -> Outcome {
    if cx.headers().get("x-stranger").is_some() { Outcome::dead_letter("not\nallowed") } else { next.run(cx).await }
}

#[subscriber(topic = "task.created", retries = 0, middleware = [guards], on_error = never_mind)]
async fn ends(task: Task) -> Result<Outcome, std::io::Error> {
    match task.text.as_str() {
        "unwanted" => Ok(Outcome::discard("not\nours")),
        "hopeless" => Err(std::io::Error::other("never")),
        _ => Ok(Outcome::Success),
    }
}

async fn start(seen: &Seen) -> TestApp {
    TestApp::start(seen.by(App::only::<(ends,)>().service("shop", "1.2.3"))).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_never_reaches_the_handler_is_dead_lettered_within_its_trace() {
    let mut garbled = json("{}");
    garbled.content_encoding = Some("gzip".into());
    let stranger = json(r#"{"key":"k","text":"a"}"#).with_header("x-stranger", 1);
    for (message, error, reason) in [
        // Refused before the handler, undecodable in it, and refused by middleware.
        (garbled, "invalid_input", "invalid_input"),
        (json("not JSON"), "decode", "invalid_input"),
        (stranger, "transient", "not\\nallowed"),
    ] {
        let seen = Seen::default();
        let app = start(&seen).await;
        app.publish_to("task.created", message).await.unwrap();
        app.wait_quiet().await;
        let (sent, process) = (seen.one("send task.created"), seen.one("process shop.ends"));
        assert_child(&process, &sent);
        assert_kind(&process, &SpanKind::Consumer);
        assert_eq!(attribute(&process, "error.type").as_deref(), Some(error));
        assert!(matches!(process.status, Status::Error { .. }), "{:?}", process.status);
        let died = seen.one("dead_letter shop.ends");
        assert_child(&died, &process);
        assert_eq!(attribute(&died, "swit.reason").as_deref(), Some(reason));
        assert_eq!(attribute(&died, "swit.topic").as_deref(), Some("task.created"));
        assert_eq!(app.dead_letters("ends").len(), 1);
        assert_eq!(seen.all().len(), 3, "{:?}", seen.all());
        app.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_discarded_says_so() {
    let seen = Seen::default();
    let app = start(&seen).await;
    app.publish(&task("hopeless")).await.unwrap();
    app.wait_quiet().await;
    let (process, discarded) = (seen.one("process shop.ends"), seen.one("discard shop.ends"));
    assert_child(&discarded, &process);
    assert_kind(&discarded, &SpanKind::Client);
    assert_eq!(discarded.status, Status::Unset);
    assert_eq!(attribute(&discarded, "messaging.operation.type").as_deref(), Some("settle"));
    assert!(attribute(&discarded, "swit.reason").is_some(), "{discarded:?}");
    assert!(matches!(process.status, Status::Error { .. }));
    app.publish(&task("unwanted")).await.unwrap();
    app.wait_quiet().await;
    // On purpose: its attempt did well, and says it.
    let unwanted = seen.named("process shop.ends").remove(1);
    assert_eq!(attribute(&unwanted, "swit.discarded").as_deref(), Some("not\\nours"));
    assert_eq!(unwanted.status, Status::Unset);
    assert_eq!(seen.named("discard shop.ends").len(), 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0, dead_letter = false)]
async fn has_no_dead_letters(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("never"))
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_where_there_are_no_dead_letters_says_so() {
    let seen = Seen::default();
    let app = App::only::<(has_no_dead_letters,)>().service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let queue = "shop.has-no-dead-letters";
    let discarded = seen.one(&format!("discard {queue}"));
    assert_child(&discarded, &seen.one(&format!("process {queue}")));
    assert_eq!(attribute(&discarded, "swit.reason").as_deref(), Some("max_retries_exceeded"));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 3, within = "1s"))]
async fn all_fail(tasks: Batch<Task>) -> swit::BatchOutcome {
    swit::BatchOutcome::each(tasks.iter().map(|_| Outcome::dead_letter("unfit")))
}

#[tokio::test(start_paused = true)]
async fn each_message_of_a_batch_ends_where_its_own_trace_finds_it() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(all_fail,)>().service("shop", "1.2.3"))).await.unwrap();
    for body in [r#"{"key":"k","text":"a"}"#, "not JSON", r#"{"key":"k","text":"b"}"#] {
        app.publish_to("task.created", json(body)).await.unwrap();
    }
    app.wait_quiet().await;
    let (sent, attempts) = (seen.named("send task.created"), seen.named("process shop.all-fail"));
    let died = seen.named("dead_letter shop.all-fail");
    assert_eq!((sent.len(), attempts.len(), died.len()), (3, 2, 3), "{:?}", seen.all());
    let (together, alone): (Vec<_>, Vec<_>) =
        attempts.iter().partition(|span| attribute(span, "messaging.batch.message_count").is_some());
    // What can't be decoded is no part of the others' attempt, and stays in its trace.
    assert_child(alone[0], &sent[1]);
    assert_eq!(attribute(alone[0], "error.type").as_deref(), Some("decode"));
    for (sent, parent, is_linked) in
        [(&sent[0], together[0], true), (&sent[1], alone[0], false), (&sent[2], together[0], true)]
    {
        let id = attribute(sent, "messaging.message.id");
        let died = died.iter().find(|died| attribute(died, "messaging.message.id") == id).unwrap();
        assert_child(died, parent);
        let own = [sent.span_context.span_id()];
        assert_eq!(links(died), if is_linked { own.as_slice() } else { &[] });
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("900ms"))]
async fn waits_here(_task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note("tried");
    if journal.lines().len() < 2 { Err(std::io::Error::other("not now")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_sent_away_after_all_is_linked_to_the_attempt_before() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(waits_here,)>().provide(journal.clone()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    while journal.lines().is_empty() {
        sleep(Duration::from_millis(1)).await;
    }
    // It waits in this process, until that may begin nothing for long.
    assert!(app.pause("waits-here"));
    sleep(Duration::from_mins(1)).await;
    assert!(app.resume("waits-here"));
    app.wait_quiet().await;
    let (sent, attempts) = (seen.one("send task.created"), seen.named("process shop.waits-here"));
    assert_eq!(attempts.len(), 2);
    assert_child(&seen.one("retry shop.waits-here"), &attempts[0]);
    assert_child(&attempts[1], &sent);
    assert_eq!(attribute(&attempts[1], "swit.attempt").as_deref(), Some("2"));
    assert_eq!(links(&attempts[1]), [attempts[0].span_context.span_id()]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", ack = "manual")]
async fn gives_back(_task: Task, ack: swit::Ack, journal: State<Journal>) {
    journal.note("tried");
    if journal.lines().len() < 2 { ack.requeue() } else { ack.ack() }
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_is_one_more_child_of_the_publication() {
    let seen = Seen::default();
    let app = App::only::<(gives_back,)>().provide(Journal::default()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let (sent, attempts) = (seen.one("send task.created"), seen.named("process shop.gives-back"));
    assert_eq!(attempts.len(), 2);
    for attempt in &attempts {
        assert_child(attempt, &sent);
        // No attempt more than the first is counted, and nobody knows which was before.
        assert_eq!(attribute(attempt, "swit.attempt").as_deref(), Some("1"));
        assert_eq!(links(attempt), []);
    }
    app.shutdown().await.unwrap();
}
