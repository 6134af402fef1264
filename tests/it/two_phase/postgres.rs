//! A PostgreSQL database as a participant, on a private server.

use std::time::Duration;

use swit::{
    App, BoxError, Statement,
    store::{Decision, Decisions as _, Store as _},
    stores::{MemoryStore, PostgresParticipant, sqlx, sqlx::PgPool},
    testing::TestApp,
    two_phase::{
        Coordinator, CoordinatorError, TransactionError, TransactionId, TransactionParticipant, TransactionState,
    },
};
use swit_testbed::Postgres;

use super::{Act, Flaky};
use crate::stores::{on_postgres, postgres, prefix};

struct Shop {
    pool: PgPool,
    table: String,
    participant: PostgresParticipant,
}

/// A table of one's own.
async fn shop() -> Shop {
    let pool = PgPool::connect(&postgres().url()).await.unwrap();
    let table = prefix().to_string();
    let create = format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY)");
    sqlx::raw_sql(sqlx::AssertSqlSafe(create)).execute(&pool).await.unwrap();
    Shop { participant: PostgresParticipant::new("shop-db", pool.clone()), pool, table }
}

impl Shop {
    async fn ids(&self) -> Vec<i64> {
        let text = format!("SELECT id FROM {} ORDER BY id", self.table);
        sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_all(&self.pool).await.unwrap()
    }

    /// The prepared transactions of this log.
    async fn prepared(&self, log: &str) -> i64 {
        let text = "SELECT count(*) FROM pg_prepared_xacts WHERE gid LIKE $1";
        sqlx::query_scalar(text).bind(format!("swit-{log}-%")).fetch_one(&self.pool).await.unwrap()
    }

    fn insert(&self) -> String {
        format!("INSERT INTO {} VALUES ($1)", self.table)
    }
}

async fn app(store: impl swit::store::Store) -> TestApp {
    TestApp::start(App::only::<()>().service("shop", "1").store(store)).await.unwrap()
}

#[tokio::test]
async fn rows_of_two_databases_are_there_or_not() {
    let (one, two, store) = (shop().await, shop().await, on_postgres().await);
    let other = PostgresParticipant::new("other-db", two.pool.clone());
    let log = store.decisions().log_name().await.unwrap();
    let app = app(store.clone()).await;
    let database = app.running().database().unwrap();
    let options = Coordinator::on(&database).participant(one.participant.clone()).participant(other.clone());
    let coordinator = options.open().await.unwrap();
    let insert = async |first: i64, second: i64| {
        let (into_one, into_two) = (one.insert(), two.insert());
        let inserting = coordinator.execute(async |mut tx| {
            tx.of(&one.participant)?.execute(Statement::new(&into_one).bind(first)).await?;
            // By sqlx itself as well.
            let query = sqlx::query(sqlx::AssertSqlSafe(into_two)).bind(second);
            query.execute(tx.of(&other)?.connection()).await?;
            let there = format!("SELECT id FROM {} WHERE id = $1", one.table);
            let rows = tx.of(&one.participant)?.fetch(Statement::new(&there).bind(first)).await?;
            Ok::<_, BoxError>(rows[0].integer(0)?)
        });
        inserting.await
    };
    assert_eq!(insert(1, 10).await.unwrap(), 1);
    assert_eq!((one.ids().await, two.ids().await), (vec![1], vec![10]));
    let refused = insert(2, 10).await.unwrap_err();
    assert_eq!(refused.state(), TransactionState::RolledBack, "{refused:?}");
    assert_eq!((one.ids().await, two.ids().await), (vec![1], vec![10]));
    assert_eq!(insert(3, 30).await.unwrap(), 3);
    assert_eq!((one.ids().await, two.ids().await), (vec![1, 3], vec![10, 30]));
    // A statement that failed, and whose error nobody looked at: PostgreSQL rolls back where it is to prepare, and says
    // nothing of it.
    let into_one = one.insert();
    let error = coordinator
        .execute(async |mut tx| {
            let _ = tx.of(&one.participant)?.execute(Statement::new(&into_one).bind(1_i64)).await;
            Ok::<_, BoxError>(())
        })
        .await
        .unwrap_err();
    assert!(
        matches!(&error, TransactionError::Participant { participant, .. } if *participant == "shop-db"),
        "{error:?}"
    );
    assert_eq!(one.prepared(&log).await, 0);
    assert_eq!(store.decisions().unfinished("", 10).await.unwrap(), []);
}

#[tokio::test]
async fn what_a_participant_owes() {
    let shop = shop().await;
    let (participant, log) = (&shop.participant, format!("{:0>16}", &prefix().to_string()[17..33]));
    let id = |number: u32| TransactionId::new(log.clone(), format!("00000000-0000-7000-8000-{number:012}"));
    let insert = shop.insert();
    let prepared = async |number: u32| {
        let mut part = participant.begin(&id(number)).await.unwrap();
        let open = part.downcast_mut::<swit::stores::PostgresPart>().unwrap();
        open.execute(Statement::new(&insert).bind(number)).await.unwrap();
        participant.prepare(&id(number), part).await.unwrap();
    };
    prepared(1).await;
    assert_eq!(participant.prepared(&log).await.unwrap(), [id(1)]);
    assert_eq!(participant.prepared("0123456789abcdef").await.unwrap(), []);
    let namesake = PostgresParticipant::new("another", shop.pool.clone());
    assert_eq!(namesake.prepared(&log).await.unwrap(), [], "it is not its own");
    assert_eq!(shop.ids().await, Vec::<i64>::new());
    for _ in 0..2 {
        participant.commit(&id(1)).await.unwrap();
    }
    assert_eq!(shop.ids().await, [1]);
    prepared(2).await;
    for _ in 0..2 {
        participant.rollback(&id(2), None).await.unwrap();
    }
    participant.rollback(&id(3), None).await.unwrap();
    assert_eq!(shop.ids().await, [1]);
    assert_eq!(participant.prepared(&log).await.unwrap(), []);
    prepared(4).await;
    // What is dropped is undone.
    let part = participant.begin(&id(5)).await.unwrap();
    drop(part);
    tokio::time::timeout(Duration::from_secs(10), async {
        while participant.rollback(&id(5), None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    participant.commit(&id(4)).await.unwrap();
    assert_eq!(shop.ids().await, [1, 4]);
}

/// Whoever prepares was cut off, and its server process is still at work: as long as it is, nothing is rolled back, and in
/// the end it is not prepared after all.
#[tokio::test]
async fn nothing_is_prepared_after_it_was_rolled_back() {
    let shop = shop().await;
    let log = &prefix().to_string()[17..33];
    let id = TransactionId::new(log, "00000000-0000-7000-8000-000000000001");
    let mut part = shop.participant.begin(&id).await.unwrap();
    let open = part.downcast_mut::<swit::stores::PostgresPart>().unwrap();
    open.execute(Statement::new(&shop.insert()).bind(1_i64)).await.unwrap();
    let error = shop.participant.rollback(&id, None).await.unwrap_err().to_string();
    assert_eq!(error, "1 server processes were still at work on it, and were told to end");
    tokio::time::timeout(Duration::from_secs(10), async {
        while shop.participant.rollback(&id, None).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    shop.participant.prepare(&id, part).await.unwrap_err();
    assert_eq!(shop.prepared(log).await, 0);
    assert_eq!(shop.ids().await, Vec::<i64>::new());
}

#[tokio::test]
async fn what_is_prepared_and_unknown_is_rolled_back_and_what_is_decided_is_committed() {
    let (shop, store) = (shop().await, Flaky::default());
    let log = store.inner.log_name().await.unwrap();
    let app = app(store.clone()).await;
    let database = app.running().database().unwrap();
    let insert = shop.insert();
    let orphan = TransactionId::new(log.clone(), "00000000-0000-7000-8000-000000000001");
    let mut part = shop.participant.begin(&orphan).await.unwrap();
    let opened = part.downcast_mut::<swit::stores::PostgresPart>().unwrap();
    opened.execute(Statement::new(&insert).bind(1_i64)).await.unwrap();
    shop.participant.prepare(&orphan, part).await.unwrap();
    // Another's is not touched.
    let others = TransactionId::new("fedcba9876543210", "00000000-0000-7000-8000-000000000001");
    let part = shop.participant.begin(&others).await.unwrap();
    shop.participant.prepare(&others, part).await.unwrap();
    let coordinator = Coordinator::on(&database).participant(shop.participant.clone()).open().await.unwrap();
    assert_eq!(coordinator.recover().await.unwrap().orphans, 1);
    assert_eq!(shop.prepared(&log).await, 0);
    // Cut off before its decision was written, and after it.
    for (act, number) in [(Act::Hang, 2_i64), (Act::HangAfter, 3)] {
        store.decide.lock().unwrap().push_back(act);
        let placing = coordinator.execute(async |mut tx| {
            tx.of(&shop.participant)?.execute(Statement::new(&insert).bind(number)).await?;
            Ok::<_, BoxError>(())
        });
        tokio::time::timeout(Duration::from_secs(1), placing).await.unwrap_err();
        assert_eq!(shop.prepared(&log).await, 1);
        if act == Act::Hang {
            assert_eq!(coordinator.recover().await.unwrap().waiting, 1, "its time is not over");
            let id = &store.inner.unfinished("", 1).await.unwrap()[0].id;
            store.inner.decide(id, Decision::Aborted).await.unwrap();
        }
        assert_eq!(coordinator.recover().await.unwrap().resolved, 1);
        assert_eq!(shop.prepared(&log).await, 0);
    }
    assert_eq!(shop.ids().await, [3]);
    shop.participant.rollback(&others, None).await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_no_prepared_transactions_is_refused_with_what_to_do() {
    let server = Postgres::with(&["fsync=off", "max_prepared_transactions=0"]);
    let pool = PgPool::connect(&server.url()).await.unwrap();
    let app = app(MemoryStore::new()).await;
    let database = app.running().database().unwrap();
    let options = Coordinator::on(&database).participant(PostgresParticipant::new("orders", pool));
    let error = options.open().await.unwrap_err();
    let CoordinatorError::Unfit { source, .. } = &error else { panic!("{error:?}") };
    assert_eq!(error.to_string(), "`orders` can't take part in transactions");
    assert!(source.to_string().contains("set `max_prepared_transactions`"), "{source}");
}

/// A server that ends and comes back in the middle: what was prepared is there.
#[tokio::test]
async fn prepared_transactions_survive_the_server() {
    let server = Postgres::start();
    let pool = PgPool::connect(&server.url()).await.unwrap();
    sqlx::raw_sql("CREATE TABLE t (id BIGINT)").execute(&pool).await.unwrap();
    let participant = PostgresParticipant::new("orders", pool.clone());
    let id = TransactionId::new("0123456789abcdef", "00000000-0000-7000-8000-000000000001");
    let mut part = participant.begin(&id).await.unwrap();
    let open = part.downcast_mut::<swit::stores::PostgresPart>().unwrap();
    open.execute(Statement::new("INSERT INTO t VALUES ($1)").bind(1_i64)).await.unwrap();
    participant.prepare(&id, part).await.unwrap();
    server.crash();
    participant.commit(&id).await.unwrap_err();
    server.restart();
    tokio::time::timeout(Duration::from_secs(30), async {
        while participant.commit(&id).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(&pool).await.unwrap();
    assert_eq!(count, 1);
}
