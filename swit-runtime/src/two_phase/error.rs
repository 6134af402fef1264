//! How a transaction can end, other than well.

use std::{error::Error, fmt, time::Duration};

use crate::{
    classify::{BoxError, Class, Classification, Classifier, Classify},
    store::{Decision, StoreError},
    text::Text,
};

/// Where a transaction is, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransactionState {
    /// Participants are open, the business function runs.
    Initial,
    /// Participants prepare.
    Preparing,
    /// All have prepared; nothing is decided.
    Prepared,
    /// It was decided to commit, and participants do.
    Committing,
    /// All participants have committed.
    Committed,
    /// Participants roll back.
    RollingBack,
    /// All participants have rolled back.
    RolledBack,
    /// It is aborted, but not all participants could roll back so far: recovery goes on with it.
    Failed,
    /// It is decided to commit and not all have done so, or it is not known what was decided: recovery goes on with it.
    InDoubt,
}

impl TransactionState {
    /// As it is written in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Preparing => "preparing",
            Self::Prepared => "prepared",
            Self::Committing => "committing",
            Self::Committed => "committed",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::Failed => "failed",
            Self::InDoubt => "in_doubt",
        }
    }
}

impl fmt::Display for TransactionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Writing into the log that it begins.
    Log,
    /// Opening a participant's part.
    Begin,
    /// The business function.
    Business,
    /// Preparing.
    Prepare,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Log => "writing that it begins",
            Self::Begin => "opening it",
            Self::Business => "its business function",
            Self::Prepare => "preparing it",
        })
    }
}

/// A participant has nothing open in this transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{participant}` has nothing of this type open in this transaction; add it to the coordinator: `.participant(…)`"
)]
pub struct NotOpen {
    /// The participant's name.
    pub participant: Text,
}

impl Classify for NotOpen {
    fn classify(&self) -> Classification {
        Class::Permanent.into()
    }
}

/// A transaction did not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransactionError {
    /// The business function failed: its error is the source.
    #[error("the transaction was rolled back: its business function failed")]
    Business {
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// A participant could not open or prepare its part.
    #[error("the transaction was rolled back: `{participant}` failed at {step}")]
    Participant {
        /// Its name.
        participant: Text,
        /// At what.
        step: Step,
        /// What it said.
        #[source]
        source: BoxError,
    },
    /// It took longer than it may.
    #[error(
        "the transaction was rolled back: {step} was not done within {timeout:?}; raise the coordinator's `timeout`"
    )]
    TimedOut {
        /// What was being done.
        step: Step,
        /// Its time.
        timeout: Duration,
    },
    /// The business function, or a participant, panicked.
    #[error("the transaction was rolled back: {step} panicked")]
    Panicked {
        /// What was being done.
        step: Step,
    },
    /// The business function kept its [`Branches`](super::Branches).
    #[error("the transaction was rolled back: its parts were kept; they live no longer than the business function")]
    Kept,
    /// It could not be written down that it begins: no participant heard of it.
    #[error("the transaction was not begun: the log of decisions could not be written")]
    Log {
        /// What the database said.
        #[source]
        source: StoreError,
    },
    /// The coordinator was slower than the transaction's deadline, and a recovery aborted it.
    #[error("the transaction was rolled back: it was decided too late, and a recovery had aborted it")]
    TooLate,
    /// It is aborted, but these participants could not roll back so far. Recovery goes on with it.
    #[error("the transaction `{id}` is aborted, but not rolled back yet at {}; recovery goes on", list(pending))]
    NotRolledBack {
        /// Its id.
        id: Text,
        /// Who could not.
        pending: Vec<Text>,
        /// Why it was aborted.
        #[source]
        cause: Box<TransactionError>,
    },
    /// It was decided to commit, but these participants have not done it so far; or (`decision` is `None`) it is not known
    /// whether the decision was written. Recovery goes on with it. Do not do it again: it may happen yet, or have happened.
    #[error(
        "the transaction `{id}` is in doubt: {}, and not done at {}; recovery goes on; do not repeat it",
        decision.map_or("its decision is not known", |_| "it is decided to commit"),
        list(pending)
    )]
    InDoubt {
        /// Its id.
        id: Text,
        /// What was decided, as far as that is known.
        decision: Option<Decision>,
        /// Whose part is not done.
        pending: Vec<Text>,
    },
}

impl TransactionError {
    /// In which state it left the transaction.
    pub fn state(&self) -> TransactionState {
        match self {
            Self::NotRolledBack { .. } => TransactionState::Failed,
            Self::InDoubt { .. } => TransactionState::InDoubt,
            _ => TransactionState::RolledBack,
        }
    }

    /// The business function's error, if that is why.
    pub fn business(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::Business { source } => Some(&**source),
            Self::NotRolledBack { cause, .. } => cause.business(),
            _ => None,
        }
    }
}

impl Classify for TransactionError {
    fn classify(&self) -> Classification {
        match self {
            Self::Business { .. } | Self::Panicked { .. } => Class::SystemFailure.into(),
            Self::Log { source } => source.classify(),
            Self::Participant { .. } | Self::TimedOut { .. } | Self::TooLate => Class::Transient.into(),
            Self::NotRolledBack { cause, .. } => cause.classify(),
            // To be looked at, not to be repeated.
            Self::Kept | Self::InDoubt { .. } => Class::Permanent.into(),
        }
    }

    fn classify_by(&self, by: &dyn Classifier) -> Option<Classification> {
        match self.business() {
            Some(source) => by.class_of(source),
            None => Some(self.classify()),
        }
    }
}

/// A coordinator can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinatorError {
    /// Its name, or that of a participant, is none.
    #[error("{0}")]
    Name(swit_grammar::Fault),
    /// Two participants have one name.
    #[error("two participants of the coordinator `{coordinator}` are called `{participant}`; rename one")]
    Twice {
        /// The coordinator's name.
        coordinator: Text,
        /// The participants' name.
        participant: Text,
    },
    /// It has none.
    #[error("the coordinator `{coordinator}` has no participants; add them: `.participant(…)`")]
    Nobody {
        /// Its name.
        coordinator: Text,
    },
    /// A participant can't take part in transactions.
    #[error("`{participant}` can't take part in transactions")]
    Unfit {
        /// Its name.
        participant: Text,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The log of decisions can't be had.
    #[error("the log of decisions can't be read")]
    Log {
        /// What the database said.
        #[source]
        source: StoreError,
    },
}

impl Classify for CoordinatorError {
    fn classify(&self) -> Classification {
        match self {
            Self::Log { source } => source.classify(),
            Self::Unfit { .. } => Class::SystemFailure.into(),
            _ => Class::Permanent.into(),
        }
    }
}

/// Names as a message shows them.
fn list(names: &[Text]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
