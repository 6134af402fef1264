//! Effects once where they are kept for real: SQLite and PostgreSQL, in real time, with SQL.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use swit::{
    App, Database, Event, MessageId, Migrations, Publish, State, Statement, Tx, stores::sqlx, subscriber,
    testing::TestApp,
};
use swit_testbed::folder::Folder;

use crate::{
    stores::{postgres, prefix},
    support::{Task, task},
};

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "task.done", key = key)]
struct Done {
    key: String,
    text: String,
}

/// The table that a test has to itself.
struct Table(String);

impl Table {
    fn insert(&self) -> String {
        format!("INSERT INTO {} (id, who) VALUES ($1, $2)", self.0)
    }
}

/// Writes by both ways, and fails now and then after it has.
#[subscriber(topic = "task.created", inbox, concurrency = 8, retries = 20, backoff = fixed("1ms"))]
async fn writes(
    task: Task,
    mut tx: Tx,
    table: State<Table>,
    kind: State<Kind>,
    attempts: State<AtomicU64>,
) -> Answer<Publish<Done>> {
    let insert = table.insert();
    tx.execute(Statement::new(&insert).bind(&task.text).bind("portable")).await?;
    match *kind {
        Kind::Sqlite => {
            let query = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(&task.text).bind("sqlx");
            query.execute(tx.sqlite()?).await?;
        }
        Kind::Postgres => {
            let query = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(&task.text).bind("sqlx");
            query.execute(tx.postgres()?).await?;
        }
    }
    if attempts.fetch_add(1, Ordering::Relaxed).is_multiple_of(4) {
        return Err("now and then".into());
    }
    Ok(Publish(Done { key: task.key, text: task.text }))
}

#[subscriber(topic = "task.done", inbox, concurrency = 4)]
async fn follows(done: Done, mut tx: Tx, table: State<Table>) -> Answer<()> {
    tx.execute(Statement::new(&table.insert()).bind(&done.text).bind("followed")).await?;
    Ok(())
}

#[derive(Clone, Copy)]
enum Kind {
    Sqlite,
    Postgres,
}

async fn once(url: &str, kind: Kind) {
    let (own, table) = (prefix(), format!("effects_{}", prefix()));
    let app = App::only::<(writes, follows)>()
        .set("database.url", url)
        .set("database.prefix", own.as_str())
        .set("database.migrate", true)
        .migrations(Migrations::new("test").step(format!("CREATE TABLE {table} (id TEXT NOT NULL, who TEXT NOT NULL)")))
        .provide(Table(table.clone()))
        .provide(AtomicU64::new(0))
        .provide(kind);
    let app = TestApp::start(app).await.unwrap();
    for number in 0..40 {
        let text = format!("t{number}");
        let message = task(&text).encode().unwrap().with_id(MessageId::parse(&text).unwrap());
        for _ in 0..3 {
            app.publish_to("task.created", message.clone()).await.unwrap();
        }
    }
    app.wait_quiet().await;
    let database: Database = app.running().database().unwrap();
    let mut tx = database.begin().await.unwrap();
    let read = format!("SELECT who, count(*), count(DISTINCT id) FROM {table} GROUP BY who ORDER BY who");
    let rows = tx.fetch(Statement::new(&read)).await.unwrap();
    drop(tx);
    let counts: Vec<_> = rows
        .iter()
        .map(|row| (row.text(0).unwrap().to_string(), row.integer(1).unwrap(), row.integer(2).unwrap()))
        .collect();
    let all = |who: &str| (who.to_owned(), 40, 40);
    assert_eq!(counts, [all("followed"), all("portable"), all("sqlx")]);
    assert!(app.dead_letters("writes").is_empty(), "{:?}", app.dead_letters("writes"));
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn on_sqlite() {
    let folder = Folder::temporary("once");
    once(&format!("sqlite:{}", folder.path().join("once.db").display()), Kind::Sqlite).await;
}

#[tokio::test]
async fn on_postgres() {
    once(&postgres().url(), Kind::Postgres).await;
}
