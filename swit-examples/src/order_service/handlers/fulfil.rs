//! The good way: stock, payment, parcel, done.

use swit::{Metadata, Publish, subscriber};

use crate::order_service::{
    events::{
        InventoryAnswer, InventoryRejected, InventoryReserved, OrderCompleted, OrderCreated, PaymentAnswer,
        PaymentCompleted, PaymentFailed, ShippingScheduled,
    },
    partners::{self, Charge, PaymentError},
};

/// Asks the inventory for everything that was ordered.
#[subscriber(topic = "order.created", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn reserve_inventory(order: OrderCreated) -> Publish<InventoryAnswer> {
    let missing = partners::out_of_stock(&order.items).cloned();
    Publish(match missing {
        Some(sku) => InventoryAnswer::Rejected(InventoryRejected { order_id: order.order_id, sku }),
        None => InventoryAnswer::Reserved(InventoryReserved {
            order_id: order.order_id,
            total: order.total,
            currency: order.currency,
            payment: order.payment,
            region: order.region,
        }),
    })
}

/// Asks the payment partner, who is the one that fails.
#[subscriber(
    topic = "inventory.reserved",
    concurrency = 4,
    prefetch = 1024,
    retries = 3,
    timeout = "5s",
    dead_letter = "order-service.dead-letters"
)]
pub async fn take_payment(
    order: InventoryReserved,
    delivery: Metadata,
) -> Result<Publish<PaymentAnswer>, PaymentError> {
    let charge = partners::charge(&order.payment.token, delivery.attempt)?;
    Ok(Publish(match charge {
        Charge::Paid => PaymentAnswer::Completed(PaymentCompleted {
            order_id: order.order_id,
            amount: order.total,
            currency: order.currency,
            region: order.region,
        }),
        Charge::Declined => PaymentAnswer::Failed(PaymentFailed { order_id: order.order_id }),
    }))
}

/// Hands the parcel to a carrier.
#[subscriber(topic = "payment.completed", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn schedule_shipping(paid: PaymentCompleted) -> Publish<ShippingScheduled> {
    let carrier = partners::carrier(paid.region).to_owned();
    Publish(ShippingScheduled { order_id: paid.order_id, carrier })
}

/// Says that the order went through.
#[subscriber(topic = "shipping.scheduled", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn complete_order(shipping: ShippingScheduled) -> Publish<OrderCompleted> {
    Publish(OrderCompleted { order_id: shipping.order_id })
}
