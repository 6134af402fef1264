//! What the loop of a batch subscriber's worker is made for.

use super::Handler;
use crate::{
    batch::{Batch, Item, Settled, Verdicts},
    context::Context,
    outcome::Outcome,
};

/// The type twin of a function with `#[subscriber(batch(…))]`, beside [`Handler`], which handles a batch of one.
pub trait BatchHandler: Handler {
    /// What its batches are of.
    type Item: Send + 'static;

    /// Takes the payload out of one delivery, validated; what can't be had is the outcome of that delivery alone.
    fn take(cx: &mut Context, into: &mut Option<Self::Item>) -> impl Future<Output = Outcome> + Send;

    /// Takes the other arguments, calls the function, makes outcomes of what it returned.
    fn call_batch(cx: &mut Context, batch: Batch<Self::Item>) -> impl Future<Output = Verdicts> + Send;
}

/// Handles the context's delivery as a batch of one: what generated code makes of [`Handler::call`].
pub async fn batch_of_one<H: BatchHandler>(cx: &mut Context) -> Outcome {
    let mut taken = None;
    let outcome = H::take(cx, &mut taken).await;
    let Some(value) = taken else { return outcome };
    let batch = Batch::of(vec![Item::taken(value, cx)]);
    match H::call_batch(cx, batch).await.0 {
        Settled::All(outcome) => outcome,
        // It was held to their number.
        Settled::Each(outcomes) => outcomes.into_iter().next().unwrap_or(Outcome::Success),
    }
}
