//! An open transaction in SQL.

use std::{any::Any, sync::Arc, time::SystemTime};

use bytes::Bytes;
#[cfg(feature = "postgres")]
use sqlx::Postgres;
#[cfg(feature = "sqlite")]
use sqlx::Sqlite;
use sqlx::Transaction;

use super::{
    classify::failed,
    envelope::{self, micros},
    session::{Said, execute, fetch},
    store::Inside,
};
use crate::{
    store::{Claim, Enlisted, Migration, Row, Statement, StoreError, Turn, Value, Work},
    transport::BoxFuture,
};

/// Most rows of the outbox that one statement writes.
const AT_ONCE: usize = 64;

/// The transaction of either database. Dropped, it is rolled back before its connection serves anybody else.
pub(super) enum Open {
    #[cfg(feature = "sqlite")]
    Sqlite(Transaction<'static, Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(Transaction<'static, Postgres>),
}

impl Open {
    pub(super) async fn execute(&mut self, said: Said<'_>, doing: &'static str) -> Result<u64, StoreError> {
        let done = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(tx) => execute!(said, &mut **tx),
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => execute!(said, &mut **tx),
        };
        done.map_err(failed(doing))
    }

    pub(super) async fn fetch(&mut self, said: Said<'_>) -> Result<Vec<Row>, StoreError> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(tx) => fetch!(said, &mut **tx, super::session::read_sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => fetch!(said, &mut **tx, super::session::read_postgres),
        }
    }

    /// Several statements at once, without values.
    pub(super) fn script<'a>(&'a mut self, step: &'a Migration) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let text = |text: &str| sqlx::raw_sql(sqlx::AssertSqlSafe(text.to_owned()));
            let done = match self {
                #[cfg(feature = "sqlite")]
                Self::Sqlite(tx) => text(step.sqlite()).execute(&mut **tx).await.map(drop),
                #[cfg(feature = "postgres")]
                Self::Postgres(tx) => text(step.postgres()).execute(&mut **tx).await.map(drop),
            };
            done.map_err(failed("applying a migration"))
        })
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        let done = match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(tx) => tx.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(tx) => tx.commit().await,
        };
        done.map_err(failed("committing"))
    }
}

pub(super) struct SqlWork {
    open: Open,
    store: Arc<Inside>,
    /// Relays are woken by the commit.
    enlisted: bool,
    /// A statement failed, or somebody had the connection: PostgreSQL answers the commit of a transaction that failed as if it
    /// were one, and rolls back.
    doubtful: bool,
}

impl SqlWork {
    pub(super) fn new(open: Open, store: Arc<Inside>) -> Self {
        Self { open, store, enlisted: false, doubtful: false }
    }
}

impl SqlWork {
    /// The connection, for whoever says what to it.
    pub(super) fn lend(&mut self) -> &mut Open {
        self.doubtful = true;
        &mut self.open
    }

    pub(super) fn store(&self) -> Arc<Inside> {
        self.store.clone()
    }

    /// Executes a statement that a handler has brought about, whose error it may not heed.
    pub(super) async fn execute_heeded(&mut self, said: Said<'_>, doing: &'static str) -> Result<u64, StoreError> {
        let done = self.open.execute(said, doing).await;
        self.doubtful |= done.is_err();
        done
    }

    /// As [`execute_heeded`](Self::execute_heeded), with the rows.
    pub(super) async fn fetch_heeded(&mut self, said: Said<'_>) -> Result<Vec<Row>, StoreError> {
        let rows = self.open.fetch(said).await;
        self.doubtful |= rows.is_err();
        rows
    }
}

impl Work for SqlWork {
    fn claim<'a>(
        &'a mut self,
        subscriber: &'a str,
        id: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Claim, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(subscriber), Value::from(id), Value::from(micros(now))];
            let claimed = self.open.execute(Said::new(&self.store.texts.claim, &values), "claiming a message").await?;
            Ok(if claimed == 0 { Claim::Duplicate } else { Claim::New })
        })
    }

    fn keep<'a>(
        &'a mut self,
        subscriber: &'a str,
        id: &'a str,
        result: Bytes,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let values = [Value::from(subscriber), Value::from(id), Value::from(result.to_vec())];
            self.open.execute(Said::new(&self.store.texts.keep, &values), "keeping a result").await?;
            Ok(())
        })
    }

    fn enlist<'a>(
        &'a mut self,
        publications: &'a [Enlisted],
        now: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            for some in publications.chunks(AT_ONCE) {
                let values = some.iter().flat_map(|publication| {
                    [
                        Value::from(publication.partition()),
                        Value::from(&publication.transport),
                        Value::from(envelope::write(publication)),
                        Value::from(publication.message.payload.to_vec()),
                        Value::from(micros(now)),
                    ]
                });
                let values: Vec<Value> = values.collect();
                let text = self.store.texts.enlist(some.len(), self.store.tells);
                let said = Said { again: some.len() <= 4, ..Said::new(&text, &values) };
                self.open.execute(said, "writing into the outbox").await?;
                self.enlisted = true;
            }
            Ok(())
        })
    }

    fn execute<'a>(&'a mut self, statement: Statement<'a>) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let said = Said::new(statement.text, &statement.values);
            self.execute_heeded(said, "executing a handler's statement").await
        })
    }

    fn fetch<'a>(&'a mut self, statement: Statement<'a>) -> BoxFuture<'a, Result<Vec<Row>, StoreError>> {
        Box::pin(async move { self.fetch_heeded(Said::new(statement.text, &statement.values)).await })
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        Box::pin(async move {
            let Self { mut open, store, enlisted, doubtful } = *self;
            if doubtful {
                open.fetch(Said::new("SELECT 1", &[]))
                    .await
                    .map_err(|error| StoreError::Failed { source: error.into() })?;
            }
            open.commit().await?;
            if enlisted {
                store.committed.notify_one();
            }
            Ok(())
        })
    }

    fn system(&self) -> &'static str {
        match &self.open {
            #[cfg(feature = "sqlite")]
            Open::Sqlite(_) => "sqlite",
            #[cfg(feature = "postgres")]
            Open::Postgres(_) => "postgresql",
        }
    }

    fn turn(&self) -> Option<Turn> {
        match &self.open {
            #[cfg(feature = "sqlite")]
            Open::Sqlite(_) => Some(self.store.turn),
            #[cfg(feature = "postgres")]
            Open::Postgres(_) => None,
        }
    }

    fn as_any(&mut self) -> &mut (dyn Any + Send) {
        self
    }
}
