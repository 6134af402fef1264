//! The good way: stock, payment, parcel, done.

use swit::{Ack, Classify, Metadata, Publish, PublishError, Publisher, subscriber};

use crate::order_service::{
    events::{
        Ending, InventoryAnswer, InventoryRejected, InventoryReserved, OrderCompleted, OrderEnded, OrderPriced,
        OrderUpdated, PaymentCompleted, PaymentFailed, ShippingScheduled, Step,
    },
    metrics::{Stage, failed},
    order::OrderId,
    partners::{self, Charge, PaymentError},
    publishers::{OrderEventsPublisher, OrderUpdatedPublisher},
};

/// Tells how far an order has come. Informational: a full queue leaves it out.
async fn tell(updates: &Publisher<OrderUpdatedPublisher>, order_id: &OrderId, step: Step) {
    let _ = updates.publish(&OrderUpdated { order_id: order_id.clone(), step }).await;
}

/// Asks the inventory for everything that was ordered: on five lanes, so that orders for one article are taken in their
/// order, and no more of them a second than it bears.
#[subscriber(
    topic = "order.priced",
    concurrency = 5,
    order_by = key,
    rate_limit(per_second = 100, burst = 10),
    timeout = "10s",
    prefetch = 256,
    dead_letter = "order-service.dead-letters"
)]
pub async fn reserve_inventory(order: OrderPriced) -> Publish<InventoryAnswer> {
    let _inventory = Stage::Inventory.enter();
    let OrderPriced { order_id, items, total, currency, payment, labels, .. } = order;
    if let Some(sku) = partners::out_of_stock(&items).cloned() {
        return Publish(InventoryAnswer::Rejected(InventoryRejected { order_id, sku, labels }));
    }
    Publish(InventoryAnswer::Reserved(InventoryReserved { order_id, total, currency, payment, labels }))
}

/// Why an order was not paid.
#[derive(Debug, thiserror::Error, Classify)]
#[non_exhaustive]
pub enum TakePaymentError {
    /// The partner did not answer.
    #[error(transparent)]
    #[class(from)]
    Partner(#[from] PaymentError),
    /// It did, and the broker did not confirm what it said.
    #[error("the partner's answer was not published")]
    #[class(transient)]
    NotPublished(#[from] PublishError),
}

/// Asks the payment partner, who is the one that fails: then it is left alone for a while.
///
/// It settles by hand: once the partner's answer is published and confirmed.
#[subscriber(
    topic = "inventory.reserved",
    concurrency = 10,
    prefetch = 50,
    retries = 3,
    backoff = fixed("1s"),
    circuit_breaker(failures = 10, reset = "5s"),
    timeout = "30s",
    ack = "manual",
    dead_letter = "payment.events.dlq"
)]
pub async fn take_payment(
    order: InventoryReserved,
    delivery: Metadata,
    answers: Publisher,
    updates: Publisher<OrderUpdatedPublisher>,
    ack: Ack,
) -> Result<(), TakePaymentError> {
    let _payment = Stage::Payment.enter();
    let failed = failed::<TakePaymentError>(Some(order.labels.order_type));
    // It may be asked again after a crash or a redelivery: a real partner is given the order's id, and charges once under it.
    let charge = partners::charge(&order.payment.token, delivery.attempt)
        .map_err(TakePaymentError::from)
        .inspect_err(&failed)?;
    let InventoryReserved { order_id, total: amount, currency, labels, .. } = order;
    let is_declined = charge == Charge::Declined;
    let answered = if is_declined {
        answers.publish(&PaymentFailed { order_id: order_id.clone(), labels }).await
    } else {
        answers.publish(&PaymentCompleted { order_id: order_id.clone(), amount, currency, labels }).await
    };
    answered.map_err(TakePaymentError::from).inspect_err(&failed)?;
    if !is_declined {
        tell(&updates, &order_id, Step::Paid).await;
    }
    ack.ack();
    Ok(())
}

/// Hands the parcel to a carrier.
#[subscriber(topic = "payment.completed", concurrency = 2, prefetch = 256, dead_letter = "order-service.dead-letters")]
pub async fn schedule_shipping(
    paid: PaymentCompleted,
    updates: Publisher<OrderUpdatedPublisher>,
) -> Publish<ShippingScheduled> {
    let _shipping = Stage::Shipping.enter();
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
