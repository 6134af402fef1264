//! A PostgreSQL database as a participant in two-phase commit, by `PREPARE TRANSACTION`.
//!
//! A prepared transaction is called `swit-LOG-ID-PARTICIPANT`. Its part holds an advisory lock of that name from its first
//! statement to its end, prepared or not: whoever rolls it back knows by it whether some server process is still at work on
//! it, which may prepare it later, though its client is gone. That process is ended first.

use std::{fmt, sync::Arc};

use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use super::{
    classify::failed,
    session::{Said, execute, fetch},
};
use crate::{
    classify::BoxError,
    failpoint::{Failpoint, hit},
    store::{Row, Statement, StoreError, Value},
    transport::BoxFuture,
    two_phase::{Open, Opens, TransactionId, TransactionParticipant},
};

/// A PostgreSQL database, as a participant. The server has to be started with `max_prepared_transactions` of at least as
/// many transactions as are underway at once. Cheap to clone.
#[derive(Clone)]
pub struct PostgresParticipant {
    name: Arc<str>,
    pool: PgPool,
}

/// The transaction that a PostgreSQL participant has open. What was not prepared is undone when it is dropped.
pub struct PostgresPart {
    connection: PoolConnection<Postgres>,
    /// Nothing is open on the connection.
    is_over: bool,
}

impl PostgresParticipant {
    /// The database of this pool, as a participant of this name. Its role has to be the same whoever recovers: a prepared
    /// transaction is ended by the role that prepared it, or by a superuser.
    pub fn new(name: &str, pool: PgPool) -> Self {
        Self { name: name.into(), pool }
    }

    fn prefix(log: &str) -> String {
        format!("swit-{log}-")
    }

    /// The name of its prepared transaction.
    fn gid(&self, id: &TransactionId) -> String {
        format!("{}{}-{}", Self::prefix(id.log()), id.id(), self.name)
    }

    /// Says something by itself, on whichever connection.
    async fn say(&self, text: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&self.pool).await.map(drop)
    }

    async fn rolled_back(&self, id: &TransactionId) -> Result<(), BoxError> {
        let gid = self.gid(id);
        match self.say(format!("ROLLBACK PREPARED {}", quoted(&gid))).await {
            Ok(()) => return Ok(()),
            Err(error) if is_unknown(&error) => {}
            Err(error) => return Err(failed("rolling back a prepared transaction")(error).into()),
        }
        // It is not prepared. Whoever holds its lock is still at work on it, and may prepare it yet.
        let doing = failed("making sure of the end of a transaction");
        let lock = key(&gid);
        let free = "SELECT pg_try_advisory_xact_lock($1)";
        let free: bool = sqlx::query_scalar(free).bind(lock).fetch_one(&self.pool).await.map_err(doing)?;
        if free {
            return Ok(());
        }
        let doing = failed("ending the server process of a transaction");
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                   AND classid = $1::bigint::oid AND objid = $2::bigint::oid AND pid IS NOT NULL AND pid <> pg_backend_pid()";
        let (high, low) = ((lock >> 32) & 0xffff_ffff, lock & 0xffff_ffff);
        let ended: i64 = sqlx::query_scalar(end).bind(high).bind(low).fetch_one(&self.pool).await.map_err(doing)?;
        Err(format!("{ended} server processes were still at work on it, and were told to end").into())
    }
}

impl PostgresPart {
    /// Executes a statement. Says how many rows it changed.
    ///
    /// # Errors
    /// What the database said. Nothing that follows in the same transaction succeeds then.
    pub async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, StoreError> {
        let said = Said::new(statement.text, &statement.values);
        let done: Result<u64, sqlx::Error> = execute!(said, &mut *self.connection);
        done.map_err(failed("executing a handler's statement"))
    }

    /// Reads all rows of a statement.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn fetch(&mut self, statement: Statement<'_>) -> Result<Vec<Row>, StoreError> {
        let said = Said::new(statement.text, &statement.values);
        fetch!(said, &mut *self.connection, super::session::read_postgres)
    }

    /// The transaction as a connection of sqlx, for its queries. Do not end the transaction with it.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    async fn say(&mut self, text: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut *self.connection).await.map(drop)
    }
}

impl Drop for PostgresPart {
    fn drop(&mut self) {
        if !self.is_over {
            // A connection on which something is open serves nobody else.
            self.connection.close_on_drop();
        }
    }
}

impl TransactionParticipant for PostgresParticipant {
    fn name(&self) -> &str {
        &self.name
    }

    fn check(&self) -> BoxFuture<'_, Result<(), BoxError>> {
        Box::pin(async {
            let doing = failed("asking for `max_prepared_transactions`");
            let most: String =
                sqlx::query_scalar("SHOW max_prepared_transactions").fetch_one(&self.pool).await.map_err(doing)?;
            if most == "0" {
                return Err("the server takes no prepared transactions: set `max_prepared_transactions` in its \
                            postgresql.conf, to `max_connections`, and start it again"
                    .into());
            }
            Ok(())
        })
    }

    fn begin<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<Open, BoxError>> {
        Box::pin(async move {
            let doing = "opening a transaction";
            let connection = self.pool.acquire().await.map_err(failed(doing))?;
            let mut part = PostgresPart { connection, is_over: false };
            let lock = key(&self.gid(id));
            part.say(format!("BEGIN; SELECT pg_advisory_xact_lock({lock})")).await.map_err(failed(doing))?;
            Ok(Box::new(part) as Open)
        })
    }

    fn prepare<'a>(&'a self, id: &'a TransactionId, open: Open) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            let mut part = open.downcast::<PostgresPart>().map_err(|_| "what is open is not its own")?;
            let gid = self.gid(id);
            hit(Failpoint::PostgresUnprepared);
            part.say(format!("PREPARE TRANSACTION {}", quoted(&gid)))
                .await
                .map_err(failed("preparing a transaction"))?;
            // A transaction in which a statement failed is rolled back instead, and that is no error.
            let there: bool = sqlx::query_scalar("SELECT count(*) = 1 FROM pg_prepared_xacts WHERE gid = $1")
                .bind(&gid)
                .fetch_one(part.connection())
                .await
                .map_err(failed("looking for a prepared transaction"))?;
            part.is_over = true;
            hit(Failpoint::PostgresPrepared);
            if there { Ok(()) } else { Err("a statement in it had failed, so that it was rolled back".into()) }
        })
    }

    fn commit<'a>(&'a self, id: &'a TransactionId) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            hit(Failpoint::PostgresUncommitted);
            let text = format!("COMMIT PREPARED {}", quoted(&self.gid(id)));
            match self.say(text).await {
                Ok(()) => {}
                // It was prepared before the decision: what is not there any more is committed.
                Err(error) if is_unknown(&error) => {}
                Err(error) => return Err(failed("committing a prepared transaction")(error).into()),
            }
            hit(Failpoint::PostgresCommitted);
            Ok(())
        })
    }

    fn rollback<'a>(&'a self, id: &'a TransactionId, open: Option<Open>) -> BoxFuture<'a, Result<(), BoxError>> {
        Box::pin(async move {
            if let Some(mut part) = open.and_then(|open| open.downcast::<PostgresPart>().ok()) {
                part.say("ROLLBACK".to_owned()).await.map_err(failed("rolling back a transaction"))?;
                part.is_over = true;
                return Ok(());
            }
            self.rolled_back(id).await
        })
    }

    fn prepared<'a>(&'a self, log: &'a str) -> BoxFuture<'a, Result<Vec<TransactionId>, BoxError>> {
        Box::pin(async move {
            let text = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, $1)";
            let prefix = Self::prefix(log);
            let gids: Vec<String> = sqlx::query_scalar(text)
                .bind(&prefix)
                .fetch_all(&self.pool)
                .await
                .map_err(failed("listing prepared transactions"))?;
            let own = gids.iter().filter_map(|gid| {
                let (id, participant) = gid.strip_prefix(&prefix)?.split_at_checked(ID)?;
                (participant.strip_prefix('-')? == &*self.name).then(|| TransactionId::new(log, id))
            });
            Ok(own.collect())
        })
    }
}

/// How long a transaction's id is: a UUID.
const ID: usize = 36;

impl Opens for PostgresParticipant {
    type Part = PostgresPart;
}

/// As a literal. `PREPARE TRANSACTION` takes no values.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The advisory lock of this name.
fn key(gid: &str) -> i64 {
    // FNV-1a: it must be the same in every process, whatever its version.
    let hash = gid
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash.cast_signed()
}

/// Whether there is no prepared transaction of this name (`undefined_object`).
fn is_unknown(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "42704")
}

impl fmt::Debug for PostgresParticipant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresParticipant").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for PostgresPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresPart")
    }
}
