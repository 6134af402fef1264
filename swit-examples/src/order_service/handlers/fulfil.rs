//! The good way: stock, payment, parcel, done.

use swit::{Metadata, Publish, Publisher, subscriber};

use crate::order_service::{
    events::{
        Ending, InventoryAnswer, InventoryRejected, InventoryReserved, OrderCompleted, OrderCreated, OrderEnded,
        OrderUpdated, PaymentAnswer, PaymentCompleted, PaymentFailed, ShippingScheduled, Step,
    },
    order::OrderId,
    partners::{self, Charge, PaymentError},
    publishers::{OrderEventsPublisher, OrderUpdatedPublisher},
};

/// Tells how far an order has come. Informational: a full queue leaves it out.
async fn tell(updates: &Publisher<OrderUpdatedPublisher>, order_id: &OrderId, step: Step) {
    let _ = updates.publish(&OrderUpdated { order_id: order_id.clone(), step }).await;
}

/// Asks the inventory for everything that was ordered.
#[subscriber(topic = "order.created", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn reserve_inventory(order: OrderCreated) -> Publish<InventoryAnswer> {
    let OrderCreated { order_id, total, currency, payment, labels, .. } = order;
    if let Some(sku) = partners::out_of_stock(&order.items).cloned() {
        return Publish(InventoryAnswer::Rejected(InventoryRejected { order_id, sku, labels }));
    }
    Publish(InventoryAnswer::Reserved(InventoryReserved { order_id, total, currency, payment, labels }))
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
    updates: Publisher<OrderUpdatedPublisher>,
) -> Result<Publish<PaymentAnswer>, PaymentError> {
    let charge = partners::charge(&order.payment.token, delivery.attempt)?;
    let InventoryReserved { order_id, total: amount, currency, labels, .. } = order;
    if charge == Charge::Declined {
        return Ok(Publish(PaymentAnswer::Failed(PaymentFailed { order_id, labels })));
    }
    tell(&updates, &order_id, Step::Paid).await;
    Ok(Publish(PaymentAnswer::Completed(PaymentCompleted { order_id, amount, currency, labels })))
}

/// Hands the parcel to a carrier.
#[subscriber(topic = "payment.completed", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn schedule_shipping(
    paid: PaymentCompleted,
    updates: Publisher<OrderUpdatedPublisher>,
) -> Publish<ShippingScheduled> {
    let PaymentCompleted { order_id, labels, .. } = paid;
    let carrier = partners::carrier(labels.region).to_owned();
    tell(&updates, &order_id, Step::Shipped).await;
    Publish(ShippingScheduled { order_id, carrier, labels })
}

/// Says that the order went through.
#[subscriber(topic = "shipping.scheduled", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn complete_order(
    shipping: ShippingScheduled,
    audit: Publisher<OrderEventsPublisher>,
) -> Publish<OrderCompleted> {
    let ShippingScheduled { order_id, labels, .. } = shipping;
    // Informational: a full queue leaves it out.
    let _ = audit.publish(&OrderEnded { order_id: order_id.clone(), ending: Ending::Completed, labels }).await;
    Publish(OrderCompleted { order_id, labels })
}
