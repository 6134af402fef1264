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

#[tokio::test(start_paused = true)]
async fn what_is_published_carries_the_id_of_the_header() {
    let journal = Journal::default();
    let app = App::only::<(answer,)>().provide(journal.clone()).middleware("correlation", 1, Correlation::new());
    let app = TestApp::start(app.publish_middleware("correlation-out", 1, Correlation::new())).await.unwrap();
    let body = serde_json::to_vec(&task("x")).unwrap();
    app.publish_to("task.created", Message::new("", body).with_header("x-correlation-id", "from-afar")).await.unwrap();
    app.wait_quiet().await;
    // The next message on the same worker has nothing of the first.
    let plain = app.publish(&task("y")).await.unwrap().to_string();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["from-afar", plain.as_str()]);
    let out = app.published_to("task.answered");
    for (message, id) in out.iter().zip(["from-afar", plain.as_str()]) {
        assert_eq!(message.correlation_id.as_deref(), Some(id));
        assert_eq!(message.headers.get_str("X-Correlation-Id"), Some(id));
    }
    assert_eq!(out.len(), 2);
    app.shutdown().await.unwrap();
}
