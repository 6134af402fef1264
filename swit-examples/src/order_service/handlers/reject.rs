//! The other way: what was done for an order is undone, then it is rejected.

use swit::{Publish, Publisher, subscriber};

use crate::order_service::{
    events::{Ending, InventoryReleased, OrderEnded, OrderRefused, OrderRejected, OrderUpdated, PaymentFailed, Step},
    ledger::Rejection,
    publishers::{OrderEventsPublisher, OrderUpdatedPublisher},
};

/// Compensates: what was kept for an order that is not paid is free again.
#[subscriber(topic = "payment.failed", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn release_inventory(
    failed: PaymentFailed,
    updates: Publisher<OrderUpdatedPublisher>,
) -> Publish<InventoryReleased> {
    let PaymentFailed { order_id, labels } = failed;
    // Informational: a full queue leaves it out.
    let _ = updates.publish(&OrderUpdated { order_id: order_id.clone(), step: Step::Released }).await;
    Publish(InventoryReleased { order_id, labels })
}

/// Says that the order was rejected, once nothing is kept for it.
#[subscriber(
    topics = ["inventory.rejected", "inventory.released"],
    concurrency = 2,
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn reject_order(refused: OrderRefused, audit: Publisher<OrderEventsPublisher>) -> Publish<OrderRejected> {
    let (order_id, labels, reason) = match refused {
        OrderRefused::OutOfStock(refused) => (refused.order_id, refused.labels, Rejection::OutOfStock),
        OrderRefused::NotPaid(refused) => (refused.order_id, refused.labels, Rejection::PaymentDeclined),
    };
    // Informational: a full queue leaves it out.
    let _ = audit.publish(&OrderEnded { order_id: order_id.clone(), ending: Ending::Rejected, labels }).await;
    Publish(OrderRejected { order_id, reason, labels })
}
