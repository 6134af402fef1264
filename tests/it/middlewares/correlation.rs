//! One id from what came in to what goes out.

use serde::{Deserialize, Serialize};
use swit::{
    App, Event, Extension, Message, Publish, State,
    middlewares::{Correlation, CorrelationId},
    subscriber,
    testing::TestApp,
};

use crate::support::{Journal, Task, task};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "task.answered", version = 1, unrouted = "ignore")]
struct Answered {}

#[subscriber(topic = "task.created")]
async fn answer(_task: Task, id: Extension<CorrelationId>, journal: State<Journal>) -> Publish<Answered> {
    journal.note(id.0.to_string());
    Publish(Answered {})
}

fn from_afar() -> Message {
    Message::new("", serde_json::to_vec(&task("x")).unwrap()).with_header("x-correlation-id", "from-afar")
}

#[tokio::test(start_paused = true)]
async fn what_is_published_under_a_delivery_carries_the_id_of_its_header() {
    let journal = Journal::default();
    let app = App::only::<(answer,)>().provide(journal.clone()).middleware("correlation", 1, Correlation::new());
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", from_afar()).await.unwrap();
    app.wait_quiet().await;
    // The next message on the same worker has nothing of the first.
    let plain = app.publish(&task("y")).await.unwrap().to_string();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["from-afar", plain.as_str()]);
    let out = app.published_to("task.answered");
    let ids: Vec<_> = out.iter().map(|message| message.correlation_id.as_deref()).collect();
    assert_eq!(ids, [Some("from-afar"), Some(plain.as_str())]);
    assert!(out.iter().all(|message| message.headers.is_empty()), "the header is for who asks for it");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn around_publications_it_writes_the_header() {
    let app = App::only::<(answer,)>().provide(Journal::default()).middleware("correlation", 1, Correlation::new());
    let app = TestApp::start(app.publish_middleware("correlation-out", 1, Correlation::new())).await.unwrap();
    let id = app.publish(&task("y")).await.unwrap().to_string();
    app.wait_quiet().await;
    for topic in ["task.created", "task.answered"] {
        let message = &app.published_to(topic)[0];
        assert_eq!(message.headers.get_str("X-Correlation-Id"), Some(id.as_str()), "{topic}");
    }
    app.shutdown().await.unwrap();
}
