//! What can become of a line.

use swit::Text;

/// Why an order was rejected: a decision of the business, not a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// An article is not there.
    OutOfStock,
    /// The payment partner said no.
    PaymentDeclined,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The order went through.
    Completed,
    /// The order was rejected.
    Rejected(Rejection),
    /// The line or one of its events lies in the dead-letter queue, for this reason.
    DeadLettered(Text),
    /// A valid line before it had the same order id.
    Duplicate,
}

impl Outcome {
    /// The outcome as the ledger remembers it for each line; 0 stands for none.
    pub(super) fn mark(&self) -> u8 {
        match self {
            Self::Completed => 1,
            Self::Rejected(_) => 2,
            Self::DeadLettered(_) => 3,
            Self::Duplicate => 4,
        }
    }
}
