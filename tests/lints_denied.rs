//! A crate that denies every lint that generated code could trip over.

#![forbid(unsafe_code)]
#![allow(clippy::unused_async)]
#![deny(
    deprecated_in_future,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    future_incompatible,
    let_underscore,
    missing_copy_implementations,
    missing_debug_implementations,
    missing_docs,
    non_ascii_idents,
    nonstandard_style,
    redundant_lifetimes,
    rust_2018_idioms,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unused,
    unused_lifetimes,
    unused_qualifications,
    variant_size_differences,
    warnings
)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

/// An order.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
pub struct OrderCreated {
    /// Its id.
    pub id: String,
}

/// What may happen.
#[derive(Debug, thiserror::Error, Classify)]
pub enum OrderError {
    /// Nobody is there.
    #[error("unreachable")]
    #[class(transient, retries = 2)]
    Unreachable,
    /// Input or output failed.
    #[error("failed")]
    #[class(from)]
    Failed(#[from] std::io::Error),
}

/// Either.
#[derive(Debug, Event)]
pub enum Any {
    /// Created.
    Created(OrderCreated),
}

#[middleware(order = 3)]
async fn audit(cx: &mut Context, next: Next<'_>, _meta: Metadata) -> Outcome {
    next.run(cx).await
}

/// Publishes orders.
#[derive(Debug, Clone, Copy)]
#[publisher(event = OrderCreated, confirm = "5s", batch(messages = 10), async, unrouted = "warn")]
pub struct OrderCreatedPublisher;

#[middleware(publish, order = 3, topics = ["order.#"])]
async fn stamp(message: &mut Message, next: PublishNext<'_>, text: State<String>) -> Result<MessageId, PublishError> {
    message.headers.insert("x-text", text.as_str());
    next.run(message).await
}

#[provider]
async fn open() -> Result<String, std::io::Error> {
    Ok(String::new())
}

#[subscriber]
async fn handle(event: Any, _orders: Publisher<OrderCreatedPublisher>) -> Result<Publish<OrderCreated>, OrderError> {
    match event {
        Any::Created(order) if !order.id.is_empty() => Ok(Publish(order)),
        Any::Created(_) => Err(OrderError::Unreachable),
    }
}

/// What an order is placed with.
#[derive(Debug, Serialize, Deserialize)]
pub struct PlaceOrder {
    id: String,
}

#[saga(key = id, name = "place")]
impl PlaceOrder {
    /// Is documented.
    #[start]
    pub async fn begin(event: OrderCreated, _text: State<String>) -> Result<Self, OrderError> {
        if event.id.is_empty() { Err(OrderError::Unreachable) } else { Ok(Self { id: event.id }) }
    }

    /// Is documented.
    #[step(compensate = undo, idempotency_key = reference)]
    pub async fn place(&self) -> Result<usize, OrderError> {
        Ok(self.id.len())
    }

    #[compensation]
    async fn undo(#[output] _placed: Option<usize>, _tx: Tx) -> Result<(), OrderError> {
        Ok(())
    }

    #[wait(key = of, within = "1h", no_compensation)]
    async fn created(_event: Option<OrderCreated>, #[output(place)] _placed: usize) -> Result<(), OrderError> {
        Ok(())
    }

    fn reference(&self) -> &str {
        &self.id
    }

    fn of(event: &OrderCreated) -> &str {
        &event.id
    }
}

swit::composite!(composed, strategy = parallel);

swit::composite!(
    /// Is documented.
    pub documented,
    strategy = sequential
);

async fn decide(_: &Context, _: &OrderError) -> ErrorAction {
    ErrorAction::ByClass
}

#[event_handler(composite = composed, order = 1, on_error = decide)]
async fn first_part(event: Any) -> Result<Publish<OrderCreated>, OrderError> {
    match event {
        Any::Created(order) => Ok(Publish(order)),
    }
}

#[event_handler(composite = documented, order = 1, blocking)]
fn second_part(_event: OrderCreated, _text: State<String>) {}

#[subscriber(blocking)]
fn block(event: OrderCreated, text: State<String>) {
    drop((event.id, text));
}

/// A twin that is exported like its function.
pub mod exported {
    use super::OrderCreated;

    /// Handles.
    #[swit::subscriber]
    pub async fn handle(order: OrderCreated) {
        drop(order);
    }
}

swit::handlers!();
