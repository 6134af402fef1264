//! From a line to an order: reads it, and lets the first of each id pass.
//!
//! Once for each id, as long as one process handles the lines. When that one ends, another process of the group takes over,
//! with the ids that it has heard of ([`remember_order`]). It has not heard of what passed before it was started; nor, if it
//! is the faster one, of what its queue of `order.created` still holds at that moment. A line that repeats such an id passes
//! again. So does the line that the other process had called a duplicate and not acknowledged: it may be told both. Ids that
//! are to be unique over the life of a group need a store that its processes share; whoever keeps orders has one, and lets
//! its unique key decide.

use bytes::Bytes;
use swit::{Classify, Headers, Publish, PublishError, Publisher, State, subscriber};

use super::{CUT_HEADER, origin::Origin};
use crate::order_service::{
    events::{OrderCreated, OrderDuplicate},
    input::LONGEST_LINE,
    ledger::{Admission, Ledger},
    metrics::{Stage, came_in, failed},
    order::{self, InvalidLine},
    publishers::OrderCreatedPublisher,
};

/// Why a line did not become an order.
#[derive(Debug, thiserror::Error, Classify)]
#[non_exhaustive]
pub enum AcceptError {
    /// It is none.
    #[error(transparent)]
    #[class(from)]
    Invalid(#[from] InvalidLine),
    /// It is one, and the broker did not confirm it. Its line is nobody's fault, so that it is tried for minutes.
    #[error("the order was not published")]
    #[class(transient, retries = 100, backoff = exponential("50ms", max = "5s"))]
    NotPublished(#[from] PublishError),
}

/// Reads a line. What is no valid order is dead-lettered as `invalid_input`; of a repeated id, whoever read the line is
/// told.
///
/// Ordered, since the first line of an id wins. On a broker one process of the group handles all lines, whoever read them.
#[subscriber(topic = "order.line", ordered, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn accept_order(
    line: Bytes,
    headers: Headers,
    origin: Origin,
    ledger: State<Ledger>,
    orders: Publisher<OrderCreatedPublisher>,
) -> Result<Option<Publish<OrderDuplicate>>, AcceptError> {
    let _intake = Stage::Intake.enter();
    let unreadable = failed::<AcceptError>(None);
    if let Some(bytes) = headers.get(CUT_HEADER).and_then(swit::HeaderValue::as_integer) {
        let error = InvalidLine::TooLong { bytes: bytes.unsigned_abs(), limit: LONGEST_LINE }.into();
        return Err(error).inspect_err(unreadable);
    }
    let order = order::read(&line).map_err(AcceptError::from).inspect_err(&unreadable)?;
    let total = order.total().map_err(|error| InvalidLine::Total(error).into()).inspect_err(&unreadable)?;
    let labels = order.labels();
    if ledger.admit(origin.tag(), order.order_id.as_str()) == Admission::Duplicate {
        return Ok(Some(Publish(OrderDuplicate { order_id: order.order_id })));
    }
    let created = OrderCreated {
        order_id: order.order_id,
        customer_id: order.customer_id,
        items: order.items,
        total,
        currency: order.currency,
        payment: order.payment,
        labels,
    };
    orders.publish(&created).await.map_err(AcceptError::from).inspect_err(failed(Some(labels.order_type)))?;
    came_in(labels, total, created.currency);
    Ok(None)
}

/// Learns which ids other processes of the group let pass, to take over from them: those that it has heard of by then.
#[subscriber(topic = "order.created", group = per_instance, prefetch = 256, dead_letter = false)]
pub async fn remember_order(order: Origin, ledger: State<Ledger>) {
    if let Some(id) = order.order_id() {
        ledger.remember(order.tag(), id);
    }
}
