//! The same by hand: what one would write with sqlx.

use swit::stores::{
    SqlStore,
    sqlx::{self, Row as _},
};

use crate::service::{NOTE, OrderCreated, TAKE};

const CLAIM: &str = "INSERT INTO swit_inbox (claimant, message, handled_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

macro_rules! handle {
    ($tx:ident, $order:ident) => {{
        let claim = sqlx::query(CLAIM).bind("by-hand").bind(&$order.id).bind(1_i64);
        let claimed = claim.execute(&mut *$tx).await.expect("a claim").rows_affected();
        if claimed == 1 {
            sqlx::query(TAKE).bind(&$order.sku).execute(&mut *$tx).await.expect("an update");
            sqlx::query(NOTE).bind(&$order.id).bind(&$order.sku).execute(&mut *$tx).await.expect("an insert");
        }
        $tx.commit().await.expect("a commit");
    }};
}

/// What a handler does for one message, transaction and claim included.
pub(crate) async fn handle(pool: &Pool, order: OrderCreated) {
    match pool {
        Pool::Postgres(pool) => {
            let mut tx = pool.begin().await.expect("a transaction");
            handle!(tx, order);
        }
        Pool::Sqlite(pool) => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
            handle!(tx, order);
        }
    }
}

/// Connections of one's own: as many as swit has.
#[derive(Clone)]
pub(crate) enum Pool {
    Postgres(sqlx::PgPool),
    Sqlite(sqlx::SqlitePool),
}

impl Pool {
    pub(crate) async fn of(store: &SqlStore) -> Self {
        if let Ok(pool) = store.postgres() {
            let options = sqlx::postgres::PgPoolOptions::new().max_connections(16);
            let pool = options.connect_with((*pool.connect_options()).clone()).await;
            return Self::Postgres(pool.expect("it connects"));
        }
        let readers = store.sqlite().expect("one or the other");
        // One that writes, as everywhere with SQLite.
        let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        Self::Sqlite(options.connect_with((*readers.connect_options()).clone()).await.expect("it opens"))
    }
}

const FETCH: &str = "SELECT row_number, envelope, payload FROM swit_outbox WHERE transport = 'by-hand' \
                     ORDER BY row_number LIMIT 500 FOR UPDATE SKIP LOCKED";
const FETCH_SQLITE: &str =
    "SELECT row_number, envelope, payload FROM swit_outbox WHERE transport = 'by-hand' ORDER BY row_number LIMIT 500";

macro_rules! poll {
    ($tx:ident, $fetch:expr, $publish:ident) => {{
        let rows = sqlx::query($fetch).fetch_all(&mut *$tx).await.expect("rows");
        let mut numbers = Vec::with_capacity(rows.len());
        let mut on_their_way = Vec::with_capacity(rows.len());
        for row in &rows {
            numbers.push(row.get::<i64, _>(0));
            let envelope: serde_json::Value = serde_json::from_str(row.get::<&str, _>(1)).expect("an envelope");
            on_their_way.push($publish(envelope, row.get::<Vec<u8>, _>(2)));
        }
        for confirmed in on_their_way {
            confirmed.await.expect("it is confirmed");
        }
        if !numbers.is_empty() {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            let delete = format!("DELETE FROM swit_outbox WHERE row_number IN ({})", numbers.join(", "));
            let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).persistent(false);
            delete.execute(&mut *$tx).await.expect("a deletion");
        }
        $tx.commit().await.expect("a commit");
        rows.len()
    }};
}

/// One round of a poller: rows are locked, published, confirmed, deleted, all in one transaction. Says how many.
pub(crate) async fn poll(pool: &Pool, publisher: &swit::Publisher) -> usize {
    let publish = |envelope: serde_json::Value, payload: Vec<u8>| {
        let text = |name: &str| envelope[name].as_str().unwrap_or_default().to_owned();
        let mut message = swit::Message::new("", payload).with_key(text("key"));
        message.id = swit::MessageId::parse(&text("id")).expect("an id");
        message.content_type = Some(text("content_type").into());
        publisher.publish_to(text("topic"), message)
    };
    match pool {
        Pool::Postgres(pool) => {
            let mut tx = pool.begin().await.expect("a transaction");
            poll!(tx, FETCH, publish)
        }
        Pool::Sqlite(pool) => {
            let mut tx = pool.begin_with("BEGIN IMMEDIATE").await.expect("a transaction");
            poll!(tx, FETCH_SQLITE, publish)
        }
    }
}
