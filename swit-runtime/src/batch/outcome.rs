//! What came of a batch: one outcome for all, or one for each item.

use crate::{
    classifiers::class_of,
    classify::BoxError,
    outcome::{Failure, FailureKind, Outcome},
    text::Text,
};

/// What came of a batch.
///
/// Made by [`Batch::outcome`](super::Batch::outcome) and [`Batch::each`](super::Batch::each), which know how many items there
/// are. Collected from outcomes of one's own, there must be one for each item, in their order: a wrong number is a failure of
/// the whole batch.
#[derive(Debug)]
#[must_use = "an outcome decides what happens to the messages"]
pub struct BatchOutcome {
    each: Vec<Outcome>,
    /// Something was said of an item that there is not.
    stray: Option<usize>,
}

impl BatchOutcome {
    /// One outcome for each item, in their order.
    pub fn each(outcomes: impl IntoIterator<Item = Outcome>) -> Self {
        Self { each: outcomes.into_iter().collect(), stray: None }
    }

    /// The item at this place failed with this error, by the error's class if it has one.
    pub fn fail(&mut self, index: usize, error: impl Into<BoxError>) -> &mut Self {
        self.set(index, failed(error.into()).into())
    }

    /// The item at this place is given up on purpose: acknowledged, counted and logged.
    pub fn discard(&mut self, index: usize, reason: impl Into<Text>) -> &mut Self {
        self.set(index, Outcome::discard(reason))
    }

    /// The item at this place goes to the dead-letter queue now, for this reason.
    pub fn dead_letter(&mut self, index: usize, reason: impl Into<Text>) -> &mut Self {
        self.set(index, Outcome::dead_letter(reason))
    }

    /// What came of the item at this place.
    pub fn set(&mut self, index: usize, outcome: Outcome) -> &mut Self {
        match self.each.get_mut(index) {
            Some(slot) => *slot = outcome,
            None => self.stray = self.stray.max(Some(index)),
        }
        self
    }

    /// How many outcomes there are.
    pub fn len(&self) -> usize {
        self.each.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// The outcomes, if there is one for each of so many items.
    pub(crate) fn of(self, items: usize) -> Settled {
        let wrong = match self.stray {
            Some(index) => {
                format!("the handler said what came of item {index}, but the batch has {items} items, from 0")
            }
            None if self.each.len() != items => {
                format!("the handler returned {} outcomes for a batch of {items}", self.each.len())
            }
            None => return Settled::Each(self.each),
        };
        Settled::All(Failure::new(FailureKind::Handler, wrong).into())
    }
}

impl FromIterator<Outcome> for BatchOutcome {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        Self::each(outcomes)
    }
}

/// What came of a batch, as the pipeline settles it.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Of all of it, the same.
    All(Outcome),
    /// Of each item, in their order.
    Each(Vec<Outcome>),
}

/// What comes of one item: what the function of [`Batch::each`](super::Batch::each) may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no outcome of an item",
    label = "not an outcome",
    note = "return `()`, an `Outcome`, or a `Result<(), E>` whose error converts into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait ItemReturn {
    /// The outcome.
    fn outcome(self) -> Outcome;
}

impl ItemReturn for () {
    fn outcome(self) -> Outcome {
        Outcome::Success
    }
}

impl ItemReturn for Outcome {
    fn outcome(self) -> Outcome {
        self
    }
}

/// The error of an item: one that converts into a boxed one. A classified error is found in its box.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of an item",
    label = "does not convert into a boxed error",
    note = "derive `thiserror::Error` for it, or return an error that converts into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait ItemError {
    /// Boxes it.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> ItemError for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

impl<T: ItemReturn, E: ItemError> ItemReturn for Result<T, E> {
    fn outcome(self) -> Outcome {
        match self {
            Ok(value) => value.outcome(),
            Err(error) => failed(error.boxed()).into(),
        }
    }
}

/// A classified error is found in its box.
fn failed(error: BoxError) -> Failure {
    let class = class_of(error.as_ref());
    let failure = Failure::new(FailureKind::Handler, error);
    match class {
        Some(class) => failure.with_class(class),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;

    fn texts(settled: Settled) -> String {
        match settled {
            Settled::All(outcome) => format!("{outcome:?}"),
            Settled::Each(outcomes) => outcomes.iter().map(|o| if o.is_success() { '+' } else { '-' }).collect(),
        }
    }

    #[test]
    fn a_wrong_number_is_a_failure_that_names_both() {
        let batch = Batch::new([1, 2, 3]);
        let mut outcome = batch.outcome();
        outcome.fail(1, "no").discard(2, "old");
        assert_eq!(texts(outcome.of(3)), "+--");
        let mut stray = batch.outcome();
        stray.fail(7, "no");
        let text = texts(stray.of(3));
        assert!(text.contains("item 7") && text.contains("3 items"), "{text}");
        for wrong in [2, 4] {
            let text = texts((0..wrong).map(|_| Outcome::Success).collect::<BatchOutcome>().of(3));
            assert!(text.contains(&format!("{wrong} outcomes for a batch of 3")), "{text}");
        }
    }
}
