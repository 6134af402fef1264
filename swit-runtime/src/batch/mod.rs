//! Batch handlers: what one call is given of many messages, and what it may answer.
//!
//! ```ignore
//! #[subscriber(topic = "order.created", batch(max = 100, within = "100ms"))]
//! async fn store(orders: Batch<OrderCreated>, db: State<Db>) -> Result<(), sqlx::Error> {
//!     db.insert_all(orders.values()).await
//! }
//! ```
//!
//! - `item`: one message of a batch, decoded, with what is known of it;
//! - `items`: the batch;
//! - `outcome`, `returns`: what a batch handler may return: one outcome for all, or one for each;
//! - `beside`: which arguments may stand beside a batch.

mod beside;
mod item;
mod items;
mod outcome;
mod returns;

pub use beside::{BesideBatch, beside};
pub use item::Item;
pub use items::{Batch, BatchItem, batch_item};
pub(crate) use outcome::Settled;
pub use outcome::{BatchOutcome, ItemError, ItemReturn};
pub use returns::{BatchReturn, BatchValue, Verdicts};
