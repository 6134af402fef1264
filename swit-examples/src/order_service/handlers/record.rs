//! The ledger's ears: what became of each order.
//!
//! A process's ledger knows the lines that this process read, whichever process of the group worked on them. So every
//! instance hears every outcome, and leaves those of other lines alone.

use swit::{State, subscriber};

use super::origin::Origin;
use crate::order_service::{
    events::{OrderCompleted, OrderDuplicate, OrderRejected},
    ledger::{Ledger, Outcome},
    metrics,
    order::Labels,
};

/// Closes a line, and counts its order the first time.
fn close(ledger: &Ledger, origin: &Origin, outcome: &Outcome, labels: Option<Labels>) {
    if ledger.close(ledger.line_of(origin.tag()), outcome, labels) {
        metrics::processed(outcome, labels);
    }
}

/// Closes the lines of orders that went through.
#[subscriber(
    topic = "order.completed",
    group = per_instance,
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn record_completed(completed: OrderCompleted, origin: Origin, ledger: State<Ledger>) {
    close(&ledger, &origin, &Outcome::Completed, Some(completed.labels));
}

/// Closes the lines of orders that were rejected.
#[subscriber(
    topic = "order.rejected",
    group = per_instance,
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn record_rejected(rejected: OrderRejected, origin: Origin, ledger: State<Ledger>) {
    close(&ledger, &origin, &Outcome::Rejected(rejected.reason), Some(rejected.labels));
}

/// Closes the lines whose order id was there before.
#[subscriber(
    topic = "order.duplicate",
    group = per_instance,
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn record_duplicate(_: OrderDuplicate, origin: Origin, ledger: State<Ledger>) {
    close(&ledger, &origin, &Outcome::Duplicate, None);
}
