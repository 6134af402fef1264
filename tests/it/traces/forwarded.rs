//! A service that traces nothing breaks nobody's traces; what it is not built for, it says.

use serde::{Deserialize, Serialize};
use swit::{App, Event, Headers, Message, Publish, Publisher, State, subscriber, testing::TestApp};

use super::Seen;
use crate::support::{Journal, Task};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.passed", version = 1)]
struct Passed {
    by: String,
}

#[subscriber(topic = "task.created")]
async fn passes(_task: Task, publisher: Publisher) -> Result<Publish<Passed>, swit::PublishError> {
    publisher.publish(&Passed { by: "a publisher".into() }).await?;
    Ok(Publish(Passed { by: "its return".into() }))
}

#[subscriber(topic = "task.passed")]
async fn takes(passed: Passed, headers: Headers, journal: State<Journal>) {
    let one = |name: &str| headers.get_str(name).unwrap_or("-").to_owned();
    journal.note(format!(
        "{}: {} {} {} {}",
        passed.by,
        one("traceparent"),
        one("tracestate"),
        one("baggage"),
        one("own")
    ));
}

#[tokio::test(start_paused = true)]
async fn what_came_is_handed_on_as_it_is() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(passes, takes)>().provide(journal.clone())).await.unwrap();
    let message = || Message::new("task.created", r#"{"key":"k","text":"a"}"#).with_content_type("application/json");
    let traced = message()
        .with_header("traceparent", "as it came")
        .with_header("tracestate", "a=b")
        .with_header("baggage", "c=d")
        .with_header("own", "e");
    app.publish_to("task.created", traced).await.unwrap();
    app.wait_quiet().await;
    app.publish_to("task.created", message()).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        journal.lines(),
        [
            "a publisher: as it came a=b c=d -",
            "its return: as it came a=b c=d -",
            "a publisher: - - - -",
            "its return: - - - -"
        ]
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_propagators_what_came_is_handed_on_though_spans_are_made() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(passes, takes)>().provide(journal.clone()).service("shop", "1.2.3");
    let app = app.config_text("test", "[telemetry]\npropagators = []");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let message = Message::new("task.created", r#"{"key":"k","text":"a"}"#)
        .with_content_type("application/json")
        .with_header("traceparent", "as it came")
        .with_header("tracestate", "a=b");
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["a publisher: as it came a=b - -", "its return: as it came a=b - -"]);
    assert_eq!(seen.named("process shop.passes").len(), 1);
    app.shutdown().await.unwrap();
}
