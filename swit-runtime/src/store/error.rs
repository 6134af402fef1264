//! What can go wrong in a database.

use std::error::Error;

use crate::{
    classify::{Class, Classification, Classify},
    failpoint::{self, Sabotage},
};

/// An error of the database that effects are kept in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another transaction was in the way: a deadlock, a serialization failure, a lock that was not had in time. Nothing was
    /// written; the same again may succeed at once.
    #[error("another transaction was in the way while {doing}")]
    Conflict {
        /// What was being done.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database could not be reached, or the connection was lost: whether it was done is not known.
    #[error("the connection to the database was lost, or could not be had, while {doing}")]
    Unavailable {
        /// What was being done.
        doing: &'static str,
        /// What was said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The database refused it.
    #[error("the database refused it while {doing}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A statement in the transaction failed before, so that the database would not commit it, whatever the handler made of
    /// that. Savepoints are for statements that may fail.
    #[error("a statement of the transaction failed before, and with it all of the transaction; it is not committed")]
    Failed {
        /// What the database said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A column holds what can't be read.
    #[error(transparent)]
    Value(#[from] super::ValueError),
    /// A row of the outbox can't be read.
    #[error("the row {row} of the outbox can't be read: {why}")]
    Unreadable {
        /// Its number.
        row: i64,
        /// Why.
        why: String,
    },
    /// The transaction is not one of this database.
    #[error("the transaction is one of {is}, not of {wanted}; `database.url` says which")]
    OtherDatabase {
        /// What it is of.
        is: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The attempt's own transaction has the one turn to write that there is on SQLite, and gives it back only after the
    /// handler.
    #[error(
        "{doing} would wait for the attempt's own transaction: SQLite has one writer at a time, and in a handler with an inbox that is the handler's `Tx`; write in the `Tx`, do it in a subscriber without `inbox`, or use PostgreSQL"
    )]
    OwnTurn {
        /// What was to be done.
        doing: &'static str,
    },
    /// The handler's transaction is over: it was kept longer than the handler ran.
    #[error("the transaction is over, or somebody still has it: a `Tx` lives no longer than its handler")]
    Over,
    /// There is no claim: the transaction is not one of a subscriber with an inbox.
    #[error("there is no claim; write `inbox` into the subscriber's attribute")]
    NoClaim,
    /// A transaction over several participants is not in the log of decisions.
    #[error("the transaction `{id}` is over, or was aborted because its deadline had passed")]
    NoTransaction {
        /// Its id.
        id: crate::text::Text,
    },
    /// A newer version of the program was here.
    #[error(
        "the database has {applied} migrations of `{owner}`, this program knows {known}: a newer version was here; run that one"
    )]
    NewerSchema {
        /// Whose migrations.
        owner: String,
        /// How many were applied.
        applied: usize,
        /// How many there are.
        known: usize,
    },
    /// Steps are missing.
    #[error("{missing} migrations are missing; run the program with `migrate`, or set `database.migrate = true`")]
    NotMigrated {
        /// How many.
        missing: usize,
    },
    /// The service has no database.
    #[error("the service has no database; set `database.url`")]
    NoDatabase,
}

impl Classify for StoreError {
    fn classify(&self) -> Classification {
        match self {
            Self::Conflict { .. } if failpoint::is_broken(Sabotage::ConflictsAreFinal) => Class::Permanent.into(),
            Self::Conflict { .. } | Self::Failed { .. } => Class::Transient.into(),
            Self::Unavailable { .. } | Self::Refused { .. } => Class::SystemFailure.into(),
            Self::Value(_)
            | Self::Unreadable { .. }
            | Self::OtherDatabase { .. }
            | Self::OwnTurn { .. }
            | Self::Over
            | Self::NoClaim
            | Self::NoTransaction { .. }
            | Self::NewerSchema { .. }
            | Self::NotMigrated { .. }
            | Self::NoDatabase => Class::Permanent.into(),
        }
    }
}
