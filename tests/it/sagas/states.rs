//! States that subscribers share.

use serde::{Deserialize, Serialize};
use swit::{
    App, State, Tx,
    sagas::{Choreographed, SagaError, States},
    stores::MemoryStore,
    subscriber,
    testing::TestApp,
};

use crate::support::{Journal, Task, keyed};

#[derive(Debug, Default, Serialize, Deserialize)]
struct Flow {
    seen: Vec<String>,
}

impl Choreographed for Flow {
    const NAME: &'static str = "flow";
}

#[subscriber(topic = "task.created", inbox, concurrency = 8, retries = 50, backoff = fixed("1ms"))]
async fn notes(task: Task, flows: States<Flow>, journal: State<Journal>, mut tx: Tx) -> Result<(), SagaError> {
    let mut flow = flows.load_or_default(&mut tx, &task.key).await?;
    // Others read the same version meanwhile.
    tokio::task::yield_now().await;
    flow.seen.push(task.text);
    let saved = flows.save(&mut tx, flow).await;
    if let Err(error) = &saved {
        journal.note(error.to_string());
    }
    saved
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_over_a_version_that_was_not_read() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = App::only::<(notes,)>().store(store).provide(journal.clone()).require::<States<Flow>>();
    let app = TestApp::start(app).await.unwrap();
    for number in 0..100 {
        app.publish(&keyed(if number % 2 == 0 { "even" } else { "odd" }, number.to_string())).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("notes").len(), 0);
    let database = app.running().database().unwrap();
    let store = database.store().sagas();
    for key in ["even", "odd"] {
        let (version, body) = store.state("flow", key).await.unwrap().unwrap();
        let flow: Flow = serde_json::from_slice(&body).unwrap();
        let mut seen = flow.seen.clone();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!((version, flow.seen.len(), seen.len()), (50, 50, 50), "{key}");
    }
    app.shutdown().await.unwrap();
}
