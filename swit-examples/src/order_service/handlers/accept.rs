//! From a line to an order: reads it, and lets the first of each id pass.

use bytes::Bytes;
use swit::{Headers, Publish, State, subscriber};

use super::{CUT_HEADER, origin::Origin};
use crate::order_service::{
    events::OrderCreated,
    input::LONGEST_LINE,
    ledger::{Admission, Ledger},
    order::{self, InvalidLine},
};

/// Reads a line. What is no valid order is dead-lettered as `invalid_input`; a repeated id is accounted for, and ends
/// here.
///
/// Ordered, since the first line of an id wins.
#[subscriber(topic = "order.line", ordered, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn accept_order(
    line: Bytes,
    headers: Headers,
    origin: Origin,
    ledger: State<Ledger>,
) -> Result<Option<Publish<OrderCreated>>, InvalidLine> {
    if let Some(bytes) = headers.get(CUT_HEADER).and_then(swit::HeaderValue::as_integer) {
        return Err(InvalidLine::TooLong { bytes: bytes.unsigned_abs(), limit: LONGEST_LINE });
    }
    let order = order::read(&line)?;
    let total = order.total().map_err(InvalidLine::Total)?;
    match ledger.admit(ledger.line_of(origin.tag()), &order) {
        Admission::Duplicate => Ok(None),
        Admission::First => Ok(Some(Publish(OrderCreated {
            order_id: order.order_id,
            customer_id: order.customer_id,
            items: order.items,
            total,
            currency: order.currency,
            payment: order.payment,
            region: order.region,
        }))),
    }
}
