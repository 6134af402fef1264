//! The named publishers. A deployment changes their options: `[publisher.order-events]`, for one.
//!
//! The flow depends on `order-created` alone. The other two are asynchronous: what they hold is lost with the process, and
//! what finds no place in their queue is left out, so that they carry nothing but information.

use swit::publisher;

use super::events::{OrderCreated, OrderEnded, OrderUpdated};

/// Lets an order into the flow. Confirmed, or its line is read again.
#[publisher(event = OrderCreated, topic = "order.created", confirm = "5s")]
#[derive(Debug)]
pub struct OrderCreatedPublisher;

/// Tells how far orders have come.
#[publisher(event = OrderUpdated, topic = "order.updated", async, unrouted = "ignore")]
#[derive(Debug)]
pub struct OrderUpdatedPublisher;

/// The audit stream: how orders ended.
#[publisher(
    event = OrderEnded,
    topic = "order.events",
    batch(messages = 100, every = "100ms"),
    compression = "snappy",
    async,
    unrouted = "ignore"
)]
#[derive(Debug)]
pub struct OrderEventsPublisher;
