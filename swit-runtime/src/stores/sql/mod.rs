//! Stores in SQL, by sqlx: one set of statements for SQLite and PostgreSQL, which differ in how they are opened, in the
//! types of columns and in how one process tells another that something was committed.

mod classify;
mod decisions;
mod envelope;
mod open;
mod outbox;
#[cfg(feature = "postgres")]
mod participant;
mod saga_work;
mod sagas;
mod sagas_texts;
mod schema;
mod session;
mod store;
mod texts;
mod tx;
mod work;

#[cfg(feature = "postgres")]
pub use open::PostgresOptions;
#[cfg(feature = "sqlite")]
pub use open::SqliteOptions;
#[cfg(feature = "postgres")]
pub use participant::{PostgresPart, PostgresParticipant};
pub use schema::Applied;
pub use store::SqlStore;
pub use texts::TablePrefix;
