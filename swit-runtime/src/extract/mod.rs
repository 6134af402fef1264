//! Extractors: what a handler's arguments may be, and how each is taken out of a delivery.
//!
//! ```ignore
//! #[subscriber(topic = "order.created")]
//! async fn reserve(order: OrderCreated, stock: State<Stock>, meta: Metadata) -> Result<(), OutOfStock> { Ok(()) }
//! ```

mod absent;
mod app;
mod parts;
mod payload;
mod requirements;
pub mod valid;

pub use app::{Config, ConfigSection, FromScope, State};
pub use parts::{Extension, Metadata};
pub use payload::{Json, MsgPack, Protobuf};
pub use requirements::{ConfigRequirement, PublisherRequirement, Requirements, StateRequirement};
pub use valid::Payload;

use crate::{context::Context, event::EventDescriptor, outcome::Failure};

/// A type that can be an argument of a handler.
///
/// Implement it for your own types; what is needed of the service is said in [`requires`](Self::requires), so that a
/// gap is found before anything starts.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a handler",
    label = "not an extractor",
    note = "shared state is taken as `State<{Self}>`, a payload as an event type (`#[derive(Event)]`) or as `Json<{Self}>`, configuration as `Config<{Self}>`, what middleware left as `Extension<{Self}>`",
    note = "a named publisher is taken by its struct with `#[publisher]`: `Publisher<OrderCreatedPublisher>`",
    note = "an `Option<T>` is for what can be absent: state, extensions; to see a payload that can't be decoded, take `Result<T, _>`",
    note = "a `Batch` is taken by a function with `#[subscriber(…, batch(max = …, within = …))]`, and never by a closure"
)]
pub trait FromDelivery: Sized + Send {
    /// Why it could not be had.
    type Rejection: Into<Failure> + Send;

    /// The event types that it reads from the payload; the subscriber's topics are checked against them.
    const EVENTS: &'static [EventDescriptor] = &[];

    /// Whether it reads the payload. What does can't be an argument of middleware, which is payload-agnostic.
    const READS_PAYLOAD: bool = false;

    /// Whether it takes the right to settle (`Ack`).
    const SETTLES: bool = false;

    /// Whether it takes the transaction of a subscriber with an inbox (`Tx`).
    const TRANSACTS: bool = false;

    /// Says what must be there before the service starts.
    fn requires(requirements: &mut Requirements) {
        let _ = requirements;
    }

    /// Takes it out of the delivery.
    fn from_delivery(cx: &mut Context) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;
}

/// Takes one argument out of a delivery. Called by generated code.
///
/// # Errors
/// The rejection, as a failure.
#[inline]
pub async fn argument<A: FromDelivery>(cx: &mut Context) -> Result<A, Failure> {
    A::from_delivery(cx).await.map_err(Into::into)
}

/// A type whose `Option` can be an argument: one that can be absent without hiding an error.
///
/// State, extensions and headers can; a payload can't, or messages that can't be decoded would vanish.
#[diagnostic::on_unimplemented(
    message = "`Option<{Self}>` cannot be an argument of a handler",
    note = "only what can be absent can be optional: state, extensions, the key; to see a payload that can't be decoded, take `Result<{Self}, _>`"
)]
pub trait OptionalFromDelivery: Sized + Send {
    /// Says what may be there.
    fn may_require(requirements: &mut Requirements) {
        let _ = requirements;
    }

    /// Takes it out of the delivery, where it is there.
    fn from_delivery_if_present(cx: &mut Context) -> impl Future<Output = Option<Self>> + Send;
}
