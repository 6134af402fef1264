//! The other way: what was done for an order is undone, then it is rejected.

use swit::{Publish, subscriber};

use crate::order_service::{
    events::{InventoryReleased, OrderRefused, OrderRejected, PaymentFailed},
    ledger::Rejection,
};

/// Compensates: what was kept for an order that is not paid is free again.
#[subscriber(topic = "payment.failed", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn release_inventory(failed: PaymentFailed) -> Publish<InventoryReleased> {
    Publish(InventoryReleased { order_id: failed.order_id })
}

/// Says that the order was rejected, once nothing is kept for it.
#[subscriber(
    topics = ["inventory.rejected", "inventory.released"],
    concurrency = 2,
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn reject_order(refused: OrderRefused) -> Publish<OrderRejected> {
    Publish(match refused {
        OrderRefused::OutOfStock(refused) => {
            OrderRejected { order_id: refused.order_id, reason: Rejection::OutOfStock }
        }
        OrderRefused::NotPaid(refused) => {
            OrderRejected { order_id: refused.order_id, reason: Rejection::PaymentDeclined }
        }
    })
}
