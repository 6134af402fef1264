//! How each database is opened.

use std::{sync::Arc, time::Duration};

use super::{
    SqlStore, TablePrefix,
    classify::failed,
    store::{Inside, Pools},
    texts::Texts,
};
use crate::store::StoreError;

/// How long a transaction is waited for that is in the way, and a connection that is not free.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a turn is waited for to write to a file.
#[cfg(feature = "sqlite")]
const TURNS: Duration = Duration::from_mins(10);

/// A SQLite file, in write-ahead mode, every commit of which is on the disk (`synchronous = FULL`).
///
/// SQLite has one writer at a time, so there is one connection that writes, which transactions get in turn, and some that
/// read.
#[cfg(feature = "sqlite")]
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    connect: sqlx::sqlite::SqliteConnectOptions,
    readers: u32,
    prefix: TablePrefix,
}

#[cfg(feature = "sqlite")]
impl SqliteOptions {
    /// The file at this path, which is made if it is not there.
    pub fn file(path: impl AsRef<std::path::Path>) -> Self {
        use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

        let connect = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        Self { connect, readers: 4, prefix: TablePrefix::default() }
    }

    /// With so many connections that read.
    #[must_use]
    pub fn readers(self, readers: u32) -> Self {
        Self { readers: readers.max(1), ..self }
    }

    /// With tables whose names begin like this.
    #[must_use]
    pub fn prefix(self, prefix: TablePrefix) -> Self {
        Self { prefix, ..self }
    }

    /// Opens it.
    ///
    /// # Errors
    /// The file can't be opened.
    pub async fn open(self) -> Result<SqlStore, StoreError> {
        use sqlx::sqlite::SqlitePoolOptions;

        let pool = |size, patience| SqlitePoolOptions::new().max_connections(size).acquire_timeout(patience);
        let opened = failed("opening the database");
        // Whoever waits for his turn to write has a timeout of his own: an attempt's.
        let writer = pool(1, TURNS).connect_with(self.connect.clone()).await.map_err(opened)?;
        let readers = pool(self.readers, PATIENCE).connect_lazy_with(self.connect);
        let pools = Pools::Sqlite { writer, readers };
        Ok(SqlStore(Arc::new(Inside::new(pools, Texts::new(self.prefix), false))))
    }
}

/// A PostgreSQL database.
#[cfg(feature = "postgres")]
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    connect: sqlx::postgres::PgConnectOptions,
    connections: u32,
    prefix: TablePrefix,
    tells: bool,
}

#[cfg(feature = "postgres")]
impl PostgresOptions {
    /// The database of this url: `postgres://user:password@host:port/database?sslmode=verify-full`.
    ///
    /// # Errors
    /// It is no such url. It is not repeated: it may hold a password.
    pub fn url(url: &str) -> Result<Self, StoreError> {
        let connect: sqlx::postgres::PgConnectOptions = url.parse().map_err(failed("reading the database's url"))?;
        // What a process that is gone held is not held for hours, and nobody waits for a lock for ever.
        let connect = connect.options([
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "10min"),
            ("tcp_keepalives_idle", "30"),
            ("tcp_keepalives_interval", "10"),
            ("tcp_keepalives_count", "3"),
        ]);
        Ok(Self { connect, connections: 16, prefix: TablePrefix::default(), tells: false })
    }

    /// With so many connections at most, and one by which the process shows that it lives. Each attempt of a subscriber with
    /// an inbox holds one.
    #[must_use]
    pub fn connections(self, connections: u32) -> Self {
        Self { connections: connections.max(2), ..self }
    }

    /// With tables whose names begin like this.
    #[must_use]
    pub fn prefix(self, prefix: TablePrefix) -> Self {
        Self { prefix, ..self }
    }

    /// Whether commits tell relays in other processes at once (`NOTIFY`), which costs each commit a lock that the whole
    /// cluster shares. Relays of this process know without.
    #[must_use]
    pub fn tells(self, tells: bool) -> Self {
        Self { tells, ..self }
    }

    /// Connects.
    ///
    /// # Errors
    /// It can't be reached, or refuses.
    pub async fn open(self) -> Result<SqlStore, StoreError> {
        let of =
            |connections| sqlx::postgres::PgPoolOptions::new().max_connections(connections).acquire_timeout(PATIENCE);
        let pulse = of(1).connect_lazy_with(self.connect.clone());
        let pool = of(self.connections).connect_with(self.connect).await;
        let pools = Pools::Postgres(pool.map_err(failed("connecting to the database"))?);
        let inside = Inside::new(pools, Texts::new(self.prefix), self.tells);
        Ok(SqlStore(Arc::new(Inside { pulse: Some(pulse), ..inside })))
    }
}
