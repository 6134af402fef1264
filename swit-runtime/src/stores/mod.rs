//! The databases that effects are kept in: SQLite, embedded, and PostgreSQL; and memory, for tests.

mod memory;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;

pub use memory::MemoryStore;
#[cfg(feature = "sqlite")]
pub use sql::SqliteOptions;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::{Applied, SqlStore, TablePrefix};
#[cfg(feature = "postgres")]
pub use sql::{PostgresOptions, PostgresPart, PostgresParticipant};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sqlx;
