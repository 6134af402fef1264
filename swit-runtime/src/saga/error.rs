//! What can go wrong with sagas, for those that start and ask them.

use crate::{
    classify::{Class, Classification, Classify},
    store::{SagaState, StoreError},
    text::Text,
};

/// An error of whoever starts, tells or asks sagas.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SagaError {
    /// What the database said.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key can't be one.
    #[error("the key of a saga `{saga}` must have 1 to 512 bytes, and has {bytes}")]
    Key {
        /// The saga.
        saga: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// What it is started with can't be written as JSON.
    #[error("what the saga `{saga}` is started with can't be written as JSON")]
    Input {
        /// The saga.
        saga: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// There is no instance with this key, or not yet.
    #[error("there is no saga `{saga}` with the key `{key}`, or not yet")]
    NoInstance {
        /// The saga.
        saga: &'static str,
        /// The key.
        key: Text,
    },
    /// The instance ended without this event.
    #[error("the saga `{saga}` with the key `{key}` ended as {state}, and never waited for this event")]
    Ended {
        /// The saga.
        saga: &'static str,
        /// The key.
        key: Text,
        /// How.
        state: SagaState,
    },
    /// An output is not what was asked for.
    #[error("the output of `{step}` can't be read")]
    Output {
        /// The step.
        step: Text,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// What has happened to an instance can't be read.
    #[error("the journal of the saga `{saga}` with the key `{key}` can't be read")]
    Journal {
        /// The saga.
        saga: Text,
        /// The key.
        key: Text,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The program does not run this saga.
    #[error("this program does not run the saga `{saga}`; `App` selects which crates' registrations are used")]
    NotRun {
        /// The saga.
        saga: Text,
    },
    /// A state was written by somebody else since it was read.
    #[error("the state `{kind}` of `{key}` was written by somebody else since it was read")]
    Stale {
        /// What kind of state.
        kind: &'static str,
        /// Its key.
        key: Text,
    },
}

impl Classify for SagaError {
    fn classify(&self) -> Classification {
        match self {
            Self::Store(error) => error.classify(),
            // What it waits for may be on its way beside it.
            Self::NoInstance { .. } | Self::Stale { .. } => Class::Transient.into(),
            Self::Key { .. }
            | Self::Input { .. }
            | Self::Ended { .. }
            | Self::Output { .. }
            | Self::Journal { .. }
            | Self::NotRun { .. } => Class::Permanent.into(),
        }
    }
}
