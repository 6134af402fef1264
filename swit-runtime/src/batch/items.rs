//! The batch: messages that one call handles together.

use std::{ops::Index, slice, vec};

use super::{BatchOutcome, Item, ItemReturn};
use crate::{
    context::Context,
    extract::{FromDelivery, Payload},
    outcome::{Failure, Outcome},
};

/// Messages that one call of a batch handler takes together, in the order in which the queue handed them out.
///
/// There is at least one, and at most as many as `batch(max = …)` says. What could not be decoded is not among them: it is
/// dead-lettered on its own.
#[derive(Debug)]
pub struct Batch<T> {
    items: Vec<Item<T>>,
}

/// What a [`Batch`] may be of: anything that reads a payload.
#[diagnostic::on_unimplemented(
    message = "`Batch<{Self}>` cannot be taken: `{Self}` is no payload",
    label = "not a payload",
    note = "a batch is of an event type (`#[derive(Event)]`), of `Json<T>`, `MsgPack<T>`, `Protobuf<T>` or of `Bytes`; shared state stands beside it: `State<{Self}>`"
)]
pub trait BatchItem: FromDelivery + Payload + 'static {}

#[diagnostic::do_not_recommend]
impl<T: FromDelivery + Payload + 'static> BatchItem for T {}

/// Takes one item out of a delivery. Called by generated code.
///
/// # Errors
/// The rejection, as a failure.
#[inline]
pub async fn batch_item<T: BatchItem>(cx: &mut Context) -> Result<T, Failure> {
    T::from_delivery(cx).await.map_err(Into::into)
}

impl<T> Batch<T> {
    pub(crate) fn of(items: Vec<Item<T>>) -> Self {
        Self { items }
    }

    /// A batch of values, for calling handlers directly.
    pub fn new(values: impl IntoIterator<Item = T>) -> Self {
        Self { items: values.into_iter().map(Item::new).collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none, which no handler sees.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items, in their order.
    pub fn iter(&self) -> slice::Iter<'_, Item<T>> {
        self.items.iter()
    }

    /// The items, to be changed.
    pub fn iter_mut(&mut self) -> slice::IterMut<'_, Item<T>> {
        self.items.iter_mut()
    }

    /// The payloads alone, in their order.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.items.iter().map(|item| &**item)
    }

    /// The payloads alone, in their order.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = T> {
        self.items.into_iter().map(Item::into_value)
    }

    /// The item at this place.
    pub fn get(&self, index: usize) -> Option<&Item<T>> {
        self.items.get(index)
    }

    /// All of them succeeded, until it is said which did not.
    ///
    /// ```
    /// # use swit_runtime::batch::Batch;
    /// let numbers = Batch::new([1, 2, 3]);
    /// let mut outcome = numbers.outcome();
    /// outcome.fail(1, "two is refused");
    /// ```
    pub fn outcome(&self) -> BatchOutcome {
        BatchOutcome::each((0..self.len()).map(|_| Outcome::Success))
    }

    /// Handles one after the other; each has the outcome that comes of it.
    ///
    /// All of it is one attempt, with one timeout; if it panics, the whole batch failed.
    pub async fn each<R: ItemReturn, F: Future<Output = R>>(
        self,
        mut handle: impl FnMut(Item<T>) -> F,
    ) -> BatchOutcome {
        let mut outcomes = Vec::with_capacity(self.len());
        for item in self.items {
            outcomes.push(handle(item).await.outcome());
        }
        BatchOutcome::each(outcomes)
    }
}

impl<T> Index<usize> for Batch<T> {
    type Output = Item<T>;
    fn index(&self, index: usize) -> &Item<T> {
        &self.items[index]
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = Item<T>;
    type IntoIter = vec::IntoIter<Item<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a Item<T>;
    type IntoIter = slice::Iter<'a, Item<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Batch<T> {
    type Item = &'a mut Item<T>;
    type IntoIter = slice::IterMut<'a, Item<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
