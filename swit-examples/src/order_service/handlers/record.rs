//! The ledger's ears: what became of each order.

use swit::{State, subscriber};

use super::origin::Origin;
use crate::order_service::{
    events::{OrderCompleted, OrderRejected},
    ledger::{Ledger, Outcome},
};

/// Closes the lines of orders that went through.
#[subscriber(topic = "order.completed", prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn record_completed(_: OrderCompleted, origin: Origin, ledger: State<Ledger>) {
    ledger.close(ledger.line_of(origin.tag()), &Outcome::Completed);
}

/// Closes the lines of orders that were rejected.
#[subscriber(topic = "order.rejected", prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn record_rejected(rejected: OrderRejected, origin: Origin, ledger: State<Ledger>) {
    ledger.close(ledger.line_of(origin.tag()), &Outcome::Rejected(rejected.reason));
}
