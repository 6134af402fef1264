//! Which arguments may stand beside a batch: those that need no delivery.

use crate::{context::Context, extract::FromScope, outcome::Failure};

/// An argument that may stand beside a [`Batch`](super::Batch).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand beside a `Batch`",
    label = "needs one delivery, and a batch has many, or is no extractor",
    note = "what is known of a message is each item's own: `item.id()`, `item.headers()`, `item.key()`, `item.attempt()`",
    note = "swit settles each message by its outcome, without `Ack`: return a `BatchOutcome`",
    note = "beside a batch there may be `State<T>`, `Config<T>`, `Publisher`, `Handle`, `CancellationToken`, `Clock`, `Service` and `Option<State<T>>`"
)]
pub trait BesideBatch: FromScope {}

#[diagnostic::do_not_recommend]
impl<A: FromScope> BesideBatch for A {}

/// Takes one argument that stands beside a batch. Called by generated code.
///
/// # Errors
/// As [`FromScope::from_scope`].
#[inline]
pub fn beside<A: BesideBatch>(cx: &Context) -> Result<A, Failure> {
    A::beside_batch(cx.scope())
}
