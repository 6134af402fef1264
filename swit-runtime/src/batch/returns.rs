//! What a batch handler may return.

use super::{BatchOutcome, Settled};
use crate::{outcome::Outcome, returns::NoError};

/// A successful return value of a batch handler: nothing, one outcome for all, or one for each item.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a batch handler",
    label = "not a return value of a batch handler",
    note = "return `()`, an `Outcome` of all, a `BatchOutcome` of each item, or a `Result` of any",
    note = "events are published by a `Publisher` argument, under the item that they follow from: `publisher.under(&item).publish(&event).await?`"
)]
pub trait BatchValue: Send {
    /// What it says of so many items.
    #[doc(hidden)]
    fn settled(self, items: usize) -> Verdicts;
}

/// What came of a batch, as generated code hands it on.
#[doc(hidden)]
#[derive(Debug)]
pub struct Verdicts(pub(crate) Settled);

impl Verdicts {
    /// The same for all.
    pub fn all(outcome: Outcome) -> Self {
        Self(Settled::All(outcome))
    }
}

impl BatchValue for () {
    fn settled(self, _: usize) -> Verdicts {
        Verdicts::all(Outcome::Success)
    }
}

impl BatchValue for Outcome {
    fn settled(self, _: usize) -> Verdicts {
        Verdicts::all(self)
    }
}

impl BatchValue for BatchOutcome {
    fn settled(self, items: usize) -> Verdicts {
        Verdicts(self.of(items))
    }
}

/// A batch handler's whole return value: a [`BatchValue`], or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a batch handler",
    label = "not a return value of a batch handler",
    note = "return `()`, an `Outcome` of all, a `BatchOutcome` of each item, or a `Result` of any",
    note = "events are published by a `Publisher` argument, under the item that they follow from: `publisher.under(&item).publish(&event).await?`"
)]
pub trait BatchReturn: Send {
    /// What it is on success.
    type Value: BatchValue;
    /// The error of the whole batch.
    type Error: Send;

    /// The two sides.
    ///
    /// # Errors
    /// The handler's own error.
    fn split(self) -> Result<Self::Value, Self::Error>;

    /// What a successful value says of so many items.
    fn settled(value: Self::Value, items: usize) -> Verdicts {
        value.settled(items)
    }
}

impl<T: BatchValue> BatchReturn for T {
    type Value = T;
    type Error = NoError;

    fn split(self) -> Result<T, NoError> {
        Ok(self)
    }
}

impl<T: BatchValue, E: Send> BatchReturn for Result<T, E> {
    type Value = T;
    type Error = E;

    fn split(self) -> Self {
        self
    }
}
