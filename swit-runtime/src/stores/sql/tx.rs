//! The database's own client, for handlers that want more than portable statements.

use super::work::{Open, SqlWork};
use crate::store::{StoreError, Tx};

impl Tx {
    /// The transaction as a connection of sqlx, for its queries. Do not end the transaction with it.
    ///
    /// # Errors
    /// It is a transaction of another database.
    #[cfg(feature = "postgres")]
    pub fn postgres(&mut self) -> Result<&mut sqlx::PgConnection, StoreError> {
        let work = self.work()?;
        let is = work.system();
        match work.as_any().downcast_mut::<SqlWork>().map(SqlWork::lend) {
            Some(Open::Postgres(tx)) => Ok(&mut **tx),
            _ => Err(StoreError::OtherDatabase { is, wanted: "postgresql" }),
        }
    }

    /// The transaction as a connection of sqlx, for its queries. Do not end the transaction with it.
    ///
    /// # Errors
    /// It is a transaction of another database.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(&mut self) -> Result<&mut sqlx::SqliteConnection, StoreError> {
        let work = self.work()?;
        let is = work.system();
        match work.as_any().downcast_mut::<SqlWork>().map(SqlWork::lend) {
            Some(Open::Sqlite(tx)) => Ok(&mut **tx),
            _ => Err(StoreError::OtherDatabase { is, wanted: "sqlite" }),
        }
    }
}
