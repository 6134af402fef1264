//! Who gets what: groups, instances, filters, existing queues, enums of events, older versions, blocking handlers.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use swit::{
    App, Event, Message, Metadata, State, subscriber,
    testing::TestApp,
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};

use crate::support::{Journal, Task, task};

#[subscriber(topic = "task.created")]
async fn shared(task: Task, journal: State<Journal>) {
    journal.note(format!("shared {}", task.text));
}

#[subscriber(topic = "task.created", group = per_instance)]
async fn everywhere(task: Task, journal: State<Journal>) {
    journal.note(format!("everywhere {}", task.text));
}

#[subscriber(topic = "task.created", group = "others")]
async fn of_another_group(task: Task, journal: State<Journal>) {
    journal.note(format!("other {}", task.text));
}

/// Two instances of one service over one broker. The first one's shutdown closes the transport, so it comes last.
#[tokio::test]
async fn a_group_shares_instances_and_groups_each_get_all() {
    let journal = Journal::default();
    let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new("default", MemoryOptions::default()));
    let instance = |name: &str| {
        App::only::<(shared, everywhere, of_another_group)>()
            .provide(journal.clone())
            .transport(transport.clone())
            .set("service.instance", name)
    };
    let (one, two) = (instance("one").start().await.unwrap(), instance("two").start().await.unwrap());
    let publisher = one.publisher().unwrap();
    for n in 0..20 {
        publisher.publish(&task(n.to_string())).await.unwrap();
    }
    one.wait_quiet().await;
    let lines = journal.lines();
    let count = |what: &str| lines.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!((count("shared"), count("everywhere"), count("other")), (20, 40, 20));
    two.shutdown().await.unwrap();
    one.shutdown().await.unwrap();
}

#[subscriber(topic = "task.#", event = "Task", name = "only-tasks")]
async fn only_tasks(message: bytes::Bytes, journal: State<Journal>) {
    journal.note(format!("{} bytes", message.len()));
}

#[tokio::test(start_paused = true)]
async fn other_event_types_are_filtered_and_counted() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(only_tasks,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.publish_to("task.created", Message::new("", "of no type")).await.unwrap();
    let mut other = Message::new("", "of another");
    other.event_type = Some("Other".into());
    app.publish_to("task.else", other).await.unwrap();
    app.wait_quiet().await;
    let counts = app.stats_of("only-tasks").unwrap().counts;
    assert_eq!((counts.filtered, counts.attempts, journal.lines().len()), (2, 1, 1));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0, dead_letter = "graveyard")]
async fn buries(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("dead"))
}

#[subscriber(queue = "graveyard")]
async fn digs_up(message: bytes::Bytes, meta: Metadata, headers: swit::Headers, journal: State<Journal>) {
    let reason = headers.get_str("x-dead-letter-reason").unwrap_or_default().to_owned();
    journal.note(format!("{} {reason} {}", meta.topic, message.len()));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_queue_can_be_consumed() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(buries, digs_up)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["task.created max_retries_exceeded 22"]);
    app.shutdown().await.unwrap();
}

#[subscriber(queue = "nobody-made-this")]
async fn waits_for_a_queue(_message: bytes::Bytes) {}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_an_error_that_names_it() {
    let error = App::only::<(waits_for_a_queue,)>().start().await.expect_err("there is no such queue");
    assert!(error.to_string().contains("nobody-made-this"), "{error}");
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "note.written", version = 1)]
struct Note {
    text: String,
}

#[derive(Debug, Event)]
enum Anything {
    Task(Task),
    Note(Note),
}

#[subscriber(topics = ["task.created", "note.*"])]
async fn takes_anything(event: Anything, journal: State<Journal>) {
    journal.note(match event {
        Anything::Task(task) => format!("task {}", task.text),
        Anything::Note(note) => format!("note {}", note.text),
    });
}

#[tokio::test(start_paused = true)]
async fn one_handler_takes_several_events() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_anything,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.publish(&Note { text: "b".into() }).await.unwrap();
    app.publish_to("note.torn", Message::new("", "{}")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["task a", "note b"]);
    let dead = app.dead_letters("takes-anything");
    assert_eq!(dead[0].reason, "invalid_input");
    assert!(dead[0].error.contains("note.torn"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "price.set", version = 1, name = "Price")]
struct PriceV1 {
    cents: u64,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "price.set", version = 2, name = "Price", upcast = PriceV1)]
struct Price {
    amount: String,
}

impl From<PriceV1> for Price {
    fn from(old: PriceV1) -> Self {
        Self { amount: format!("{}.{:02}", old.cents / 100, old.cents % 100) }
    }
}

#[subscriber]
async fn reads_prices(price: Price, journal: State<Journal>) {
    journal.note(price.amount);
}

#[tokio::test(start_paused = true)]
async fn older_versions_are_brought_up_to_date() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(reads_prices,)>().provide(journal.clone())).await.unwrap();
    app.publish(&PriceV1 { cents: 1990 }).await.unwrap();
    app.publish(&Price { amount: "5.00".into() }).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["19.90", "5.00"]);
    app.shutdown().await.unwrap();
}

#[expect(clippy::needless_pass_by_value, reason = "arguments are taken out of the delivery")]
#[subscriber(topic = "task.created", blocking, retries = 0)]
fn blocks(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    match task.text.as_str() {
        "panic" => panic!("on the blocking pool"),
        "fail" => return Err(std::io::Error::other("no")),
        _ => {}
    }
    journal.note(task.text);
    Ok(())
}

#[tokio::test]
async fn a_blocking_handler_is_a_handler() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(blocks,)>().provide(journal.clone())).await.unwrap();
    for text in ["a", "panic", "fail", "b"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["a", "b"]);
    let errors: Vec<String> = app.dead_letters("blocks").into_iter().map(|letter| letter.error).collect();
    assert_eq!(errors, ["the handler panicked: on the blocking pool", "no"]);
    app.shutdown().await.unwrap();
}
