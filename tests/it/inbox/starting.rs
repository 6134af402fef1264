//! What must be there before a service with an inbox starts, and what it starts with where nothing is said.

use swit::{App, Database, Migrations, State, Tx, subscriber};
use swit_testbed::folder::Folder;

use crate::{
    stores::{postgres, prefix},
    support::Task,
};

#[subscriber(topic = "task.created", inbox)]
async fn once(_task: Task, _tx: Tx) {}

#[subscriber(topic = "task.created", inbox, retries = 100, backoff = fixed("1h"))]
async fn for_days(_task: Task) {}

/// What is throttled waits a second longer each time.
#[subscriber(topic = "task.created", inbox, retries = 100, timeout = "1s")]
async fn for_an_hour(_task: Task) {}

#[subscriber(topic = "task.created")]
async fn reads(_task: Task, _database: Database) {}

#[subscriber(topic = "task.created")]
async fn needs_nothing(_task: Task) {}

async fn refused(app: App) -> String {
    app.start().await.map(drop).unwrap_err().to_string()
}

#[tokio::test]
async fn tables_of_a_server_are_made_when_somebody_says_so() {
    let own = prefix();
    let app = || {
        App::only::<(once,)>()
            .set("database.url", postgres().url())
            .set("database.prefix", own.as_str())
            .migrations(Migrations::new(own.as_str()).step(format!("CREATE TABLE {own}mine (id BIGINT)")))
    };
    let missing = refused(app()).await;
    assert!(missing.contains(" migrations are missing; run the program with `migrate`"), "{missing}");
    app().set("database.migrate", true).start().await.unwrap().shutdown().await.unwrap();
    app().start().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn tables_of_a_file_are_made_unless_somebody_says_not() {
    let folder = Folder::temporary("starting");
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let app = || App::only::<(once,)>().set("database.url", url.as_str());
    let missing = refused(app().set("database.migrate", false)).await;
    assert!(missing.contains(" migrations are missing"), "{missing}");
    app().start().await.unwrap().shutdown().await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_not_there_says_where_and_shows_no_password() {
    let app = || App::only::<(reads,)>();
    let nobody = swit_testbed::free_port();
    let url = format!("postgres://swit:hunter2@127.0.0.1:{nobody}/postgres");
    let error = refused(app().set("database.url", url)).await;
    assert!(error.contains("postgres://swit:***@127.0.0.1") && error.contains("connecting to the database"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let error = refused(app().set("database.url", "sqlite:/there/is/no/such.db")).await;
    assert!(error.contains("the database sqlite:/there/is/no/such.db: "), "{error}");
}

#[test]
fn an_inbox_remembers_for_longer_than_a_message_may_come_again() {
    let check = |app: App| app.check().map(drop).map_err(|report| report.to_string());
    let refused = check(App::only::<(for_days,)>().set("database.url", "memory:").set("database.retention", "2d"));
    let refused = refused.unwrap_err();
    assert!(refused.contains("the inbox of `for-days` remembers for 172800s"), "{refused}");
    assert!(refused.contains("raise `database.retention`"), "{refused}");
    check(App::only::<(for_days,)>().set("database.url", "memory:").set("database.retention", "5d")).unwrap();
    let hour = || App::only::<(for_an_hour,)>().set("database.url", "memory:");
    let refused = check(hour().set("database.retention", "80m")).unwrap_err();
    assert!(refused.contains("but a message may be tried again for 5151s"), "{refused}");
    check(hour().set("database.retention", "90m")).unwrap();
    check(App::only::<(once,)>().set("database.url", "memory:")).unwrap();
}

#[tokio::test]
async fn who_needs_no_database_has_none() {
    let running = App::only::<(needs_nothing,)>().start().await.unwrap();
    assert!(running.database().is_none());
    running.shutdown().await.unwrap();
    // One that is written is opened all the same.
    let running = App::only::<(needs_nothing,)>().set("database.url", "memory:").start().await.unwrap();
    assert_eq!(running.database().map(|database| database.system()), Some("memory"));
    running.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_state_is_not_a_database() {
    #[subscriber(topic = "task.created")]
    async fn mistaken(_task: Task, _database: State<Database>) {}
    let report = App::only::<(mistaken,)>().check().map(drop).unwrap_err().to_string();
    assert!(
        report.contains("takes `State<swit_runtime::store::database::Database>`, which nothing provides"),
        "{report}"
    );
}
