//! What an error of sqlx means, for our own statements and for those of handlers.

use sqlx::error::DatabaseError;

use crate::{
    classify::{Class, Classification},
    error_classifier::{Chain, LinkedRule, RuleKind},
    failpoint::{self, Sabotage},
    registry::inventory,
    store::StoreError,
};

/// What can be done about an error of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// The same again may succeed at once.
    Conflict,
    /// Nobody knows.
    Unavailable,
    Refused,
}

pub(super) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| match meaning(&error) {
        Meaning::Conflict => StoreError::Conflict { doing, source: error.into() },
        Meaning::Unavailable => StoreError::Unavailable { doing, source: error.into() },
        Meaning::Refused => StoreError::Refused { doing, source: error.into() },
    }
}

fn meaning(error: &sqlx::Error) -> Meaning {
    match error {
        sqlx::Error::Database(error) => of_code(&**error),
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// PostgreSQL has five characters (its appendix A), SQLite a number (its result codes), whose last eight bits are the kind.
fn of_code(error: &dyn DatabaseError) -> Meaning {
    let Some(code) = error.code() else { return Meaning::Refused };
    if code.len() == 5 && error.try_downcast_is_postgres() {
        return match &*code {
            // Serialization failure, deadlock, lock not available.
            "40001" | "40P01" | "55P03" => Meaning::Conflict,
            // Connection exception; insufficient resources; the server is going down or coming up, or cut us off.
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => Meaning::Unavailable,
            _ => Meaning::Refused,
        };
    }
    match code.parse::<i32>().map(|code| code & 0xff) {
        // SQLITE_BUSY, SQLITE_LOCKED.
        Ok(5 | 6) => Meaning::Conflict,
        // SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN.
        Ok(10 | 13 | 14) => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

/// Which database said it.
trait Origin {
    fn try_downcast_is_postgres(&self) -> bool;
}

impl Origin for dyn DatabaseError {
    #[cfg(feature = "postgres")]
    fn try_downcast_is_postgres(&self) -> bool {
        self.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some()
    }

    #[cfg(not(feature = "postgres"))]
    fn try_downcast_is_postgres(&self) -> bool {
        false
    }
}

// Handlers that write with sqlx need not say what its errors mean.
inventory::submit! {
    LinkedRule {
        kind: RuleKind::Database,
        classify: |chain: Chain<'_>| -> Option<Classification> {
            let error = chain.find::<sqlx::Error>()?;
            Some(match meaning(error) {
                Meaning::Conflict if failpoint::is_broken(Sabotage::ConflictsAreFinal) => Class::Permanent.into(),
                Meaning::Conflict => Class::Transient.into(),
                Meaning::Unavailable | Meaning::Refused => Class::SystemFailure.into(),
            })
        },
    }
}
