//! The store: pools, and what is asked of it outside of transactions.

use std::{
    any::Any,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::{
    classify::failed,
    envelope::micros,
    session::{Said, execute, fetch},
    texts::Texts,
    work::{Open, SqlWork},
};
use crate::{
    store::{Decisions, Outbox, Row, Sagas, Store, StoreError, Value, Work},
    transport::BoxFuture,
};

/// A database in SQL, as a store. Cheap to clone.
#[derive(Clone)]
pub struct SqlStore(pub(super) Arc<Inside>);

pub(super) struct Inside {
    pub(super) pools: Pools,
    pub(super) texts: Texts,
    /// Something was committed that relays want to know of.
    pub(super) committed: Notify,
    /// Relays in other processes are told.
    pub(super) tells: bool,
    /// To write into the file.
    #[cfg(feature = "sqlite")]
    pub(super) turn: crate::store::Turn,
    #[cfg(feature = "postgres")]
    pub(super) pulse: Pulse,
    #[cfg(feature = "postgres")]
    pub(super) listener: tokio::sync::Mutex<Option<sqlx::postgres::PgListener>>,
}

/// The connections.
pub(super) enum Pools {
    #[cfg(feature = "sqlite")]
    Sqlite { writer: sqlx::SqlitePool, readers: sqlx::SqlitePool },
    #[cfg(feature = "postgres")]
    Postgres(sqlx::PgPool),
}

/// The connection by which a process shows that it lives: it does not wait for those that hold transactions open.
#[cfg(feature = "postgres")]
pub(super) type Pulse = Option<sqlx::PgPool>;

impl Inside {
    pub(super) fn new(pools: Pools, texts: Texts, tells: bool) -> Self {
        Self {
            pools,
            texts,
            committed: Notify::new(),
            tells,
            #[cfg(feature = "sqlite")]
            turn: crate::store::Turn::unique(),
            #[cfg(feature = "postgres")]
            pulse: None,
            #[cfg(feature = "postgres")]
            listener: tokio::sync::Mutex::default(),
        }
    }

    pub(super) async fn begin(&self) -> Result<Open, StoreError> {
        const OPENING: &str = "opening a transaction";
        let doing = failed(OPENING);
        match &self.pools {
            // At once as a writer: a reader that becomes one may find that it reads what is old, and fails.
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { writer, .. } => {
                self.turn.wait(OPENING)?;
                writer.begin_with("BEGIN IMMEDIATE").await.map(Open::Sqlite).map_err(doing)
            }
            #[cfg(feature = "postgres")]
            Pools::Postgres(pool) => pool.begin().await.map(Open::Postgres).map_err(doing),
        }
    }

    /// Executes a statement that shows that this process lives.
    pub(super) async fn show(&self, said: Said<'_>, doing: &'static str) -> Result<u64, StoreError> {
        #[cfg(feature = "postgres")]
        if let Some(pulse) = &self.pulse {
            return execute!(said, pulse).map_err(failed(doing));
        }
        self.execute(said, doing).await
    }

    /// Executes one statement by itself.
    pub(super) async fn execute(&self, said: Said<'_>, doing: &'static str) -> Result<u64, StoreError> {
        let done = match &self.pools {
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { writer, .. } => {
                self.turn.wait(doing)?;
                execute!(said, writer)
            }
            #[cfg(feature = "postgres")]
            Pools::Postgres(pool) => execute!(said, pool),
        };
        done.map_err(failed(doing))
    }

    /// Reads the rows of one statement by itself; one that also writes says so.
    pub(super) async fn fetch(&self, said: Said<'_>, writes: bool) -> Result<Vec<Row>, StoreError> {
        match &self.pools {
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { writer, readers } => {
                if writes {
                    self.turn.wait("reading where it is written")?;
                }
                fetch!(said, if writes { writer } else { readers }, super::session::read_sqlite)
            }
            #[cfg(feature = "postgres")]
            Pools::Postgres(pool) => {
                let _ = writes;
                fetch!(said, pool, super::session::read_postgres)
            }
        }
    }
}

impl SqlStore {
    /// The pool of a PostgreSQL database, for what swit has nothing to do with.
    ///
    /// # Errors
    /// It is another one.
    #[cfg(feature = "postgres")]
    pub fn postgres(&self) -> Result<&sqlx::PgPool, StoreError> {
        match &self.0.pools {
            Pools::Postgres(pool) => Ok(pool),
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { .. } => Err(StoreError::OtherDatabase { is: "sqlite", wanted: "postgresql" }),
        }
    }

    /// The connections of a SQLite database that read, for what swit has nothing to do with.
    ///
    /// # Errors
    /// It is another one.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(&self) -> Result<&sqlx::SqlitePool, StoreError> {
        match &self.0.pools {
            Pools::Sqlite { readers, .. } => Ok(readers),
            #[cfg(feature = "postgres")]
            Pools::Postgres(_) => Err(StoreError::OtherDatabase { is: "postgresql", wanted: "sqlite" }),
        }
    }
}

impl Store for SqlStore {
    fn system(&self) -> &'static str {
        match &self.0.pools {
            #[cfg(feature = "sqlite")]
            Pools::Sqlite { .. } => "sqlite",
            #[cfg(feature = "postgres")]
            Pools::Postgres(_) => "postgresql",
        }
    }

    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Work>, StoreError>> {
        Box::pin(async {
            let open = self.0.begin().await?;
            Ok(Box::new(SqlWork::new(open, self.0.clone())) as Box<dyn Work>)
        })
    }

    fn result<'a>(
        &'a self,
        subscriber: &'a str,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<Option<Bytes>>, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(subscriber), Value::from(id)];
            let rows = self.0.fetch(Said::new(&self.0.texts.result, &values), false).await?;
            let kept = rows.first().map(|row| row.optional_bytes(0)).transpose()?;
            Ok(kept.map(|kept| kept.map(Bytes::from)))
        })
    }

    fn forget(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        Box::pin(async move {
            let values = [Value::from(micros(before)), Value::from(limit)];
            self.0.execute(Said::new(&self.0.texts.forget, &values), "clearing the inbox").await
        })
    }

    fn due<'a>(&'a self, job: &'a str, every: Duration, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async move {
            let since = micros(now.checked_sub(every).unwrap_or(SystemTime::UNIX_EPOCH));
            let values = [Value::from(job), Value::from(micros(now)), Value::from(since)];
            Ok(self.0.execute(Said::new(&self.0.texts.due, &values), "beginning a job").await? == 1)
        })
    }

    fn outbox(&self) -> &dyn Outbox {
        self
    }

    fn decisions(&self) -> &dyn Decisions {
        self
    }

    fn sagas(&self) -> &dyn Sagas {
        self
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            match &self.0.pools {
                #[cfg(feature = "sqlite")]
                Pools::Sqlite { writer, readers } => {
                    readers.close().await;
                    writer.close().await;
                }
                #[cfg(feature = "postgres")]
                Pools::Postgres(pool) => {
                    drop(self.0.listener.lock().await.take());
                    if let Some(pulse) = &self.0.pulse {
                        pulse.close().await;
                    }
                    pool.close().await;
                }
            }
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore")
            .field("system", &self.system())
            .field("prefix", &self.0.texts.prefix)
            .finish_non_exhaustive()
    }
}
