//! What waits for the attempt's own transaction says so at once, where a database has one writer at a time.

use std::time::{Duration, Instant};

use swit::{
    App, BoxError, Database, State, StoreError, Tx, composite, event_handler,
    store::Store,
    subscriber,
    testing::TestApp,
    two_phase::{Coordinator, MessagingParticipant, TransactionError},
};
use swit_testbed::folder::Folder;

use crate::{
    stores::{on_postgres, on_sqlite},
    support::{Journal, Task, task},
};

/// Asks for what its own transaction keeps it from, by every way there is. The transaction itself goes on.
async fn asks(database: &Database, journal: &Journal) -> Result<(), BoxError> {
    let began = match database.begin().await {
        Ok(tx) => format!("in {}", tx.commit().await.map_or("vain", |()| "its own")),
        Err(StoreError::OwnTurn { .. }) => "refused".to_owned(),
        Err(other) => format!("{other:?}"),
    };
    journal.note(format!("begin: {began}"));
    let replayed = match database.replay_parked(None).await {
        Err(StoreError::OwnTurn { .. }) => "refused".to_owned(),
        other => format!("{other:?}"),
    };
    journal.note(format!("replay: {replayed}"));
    let messages = MessagingParticipant::new("messages", database);
    let coordinator = Coordinator::on(database).participant(messages.clone()).open().await?;
    let executed = coordinator
        .execute(async |mut tx| {
            tx.of(&messages)?;
            Ok::<_, BoxError>(())
        })
        .await;
    let executed = match executed {
        Err(TransactionError::Log { source: error @ StoreError::OwnTurn { .. } }) => {
            assert!(error.to_string().contains("do it in a subscriber without `inbox`"), "{error}");
            "refused".to_owned()
        }
        other => format!("{other:?}"),
    };
    journal.note(format!("execute: {executed}"));
    Ok(())
}

#[subscriber(topic = "task.created", inbox, retries = 0, timeout = "5s")]
async fn in_its_own_way(_task: Task, _tx: Tx, database: Database, journal: State<Journal>) -> Result<(), BoxError> {
    asks(&database, &journal).await
}

composite!(each_in_its_way, strategy = sequential, topic = "task.created", retries = 0, timeout = "5s");

#[event_handler(composite = each_in_its_way, order = 10, inbox)]
async fn one_of_them(_task: Task, database: Database, journal: State<Journal>) -> Result<(), BoxError> {
    asks(&database, &journal).await
}

async fn run(app: App, store: impl Store, expected: &[&str]) {
    let journal = Journal::default();
    let app = TestApp::start(app.store(store).provide(journal.clone())).await.unwrap();
    let began = Instant::now();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), expected);
    assert!(began.elapsed() < Duration::from_secs(4), "it waited: {:?}", began.elapsed());
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn on_sqlite_it_is_refused_at_once_and_the_attempt_goes_on() {
    let refused = ["begin: refused", "replay: refused", "execute: refused"];
    for app in [App::only::<(in_its_own_way,)>, App::only::<(each_in_its_way,)>] {
        let folder = Folder::temporary("turns");
        run(app(), on_sqlite(&folder).await, &refused).await;
    }
}

#[tokio::test]
async fn on_postgres_it_works() {
    let works = ["begin: in its own", "replay: Ok(0)", "execute: Ok(())"];
    run(App::only::<(in_its_own_way,)>(), on_postgres().await, &works).await;
}
