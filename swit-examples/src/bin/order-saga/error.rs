//! What goes wrong in a step that is no decision of the business: it is tried for minutes.

use swit::{Classify, PublishError, StoreError};

/// A database that does not answer, or a publication that it did not take.
#[derive(Debug, thiserror::Error, Classify)]
#[non_exhaustive]
pub(crate) enum NotDone {
    /// What the database said.
    #[error("the database: {0}")]
    #[class(system_failure, retries = 100, backoff = exponential("50ms", max = "5s"))]
    Database(#[from] StoreError),
    /// The outbox did not take what was to be published.
    #[error("not published: {0}")]
    #[class(transient, retries = 100, backoff = exponential("50ms", max = "5s"))]
    NotPublished(#[from] PublishError),
}
