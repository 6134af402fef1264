//! The events of the flow: what each step tells the next.
//!
//! ```text
//! order.line ─ accept-order ─ order.created ─ reserve-inventory ┬ inventory.reserved ─ take-payment ┬ payment.completed ─ schedule-shipping ─ shipping.scheduled ─ complete-order ─ order.completed
//!                                                               │                                   └ payment.failed ─ release-inventory ─ inventory.released ┐
//!                                                               └ inventory.rejected ──────────────────────────────────────────────────── reject-order ───────┴ order.rejected
//! ```

use serde::{Deserialize, Serialize};
use swit::Event;

use super::{
    ledger::Rejection,
    order::{Currency, CustomerId, Item, Money, OrderId, Payment, Region, Sku},
};

/// A valid order came in, the first with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1, key = order_id)]
pub struct OrderCreated {
    /// The order.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// What was ordered.
    pub items: Vec<Item>,
    /// What it costs.
    pub total: Money,
    /// In this currency.
    pub currency: Currency,
    /// How it is paid.
    pub payment: Payment,
    /// Where it goes.
    pub region: Region,
}

/// Everything was there and is kept for the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "inventory.reserved", version = 1, key = order_id)]
pub struct InventoryReserved {
    /// The order.
    pub order_id: OrderId,
    /// What it costs.
    pub total: Money,
    /// In this currency.
    pub currency: Currency,
    /// How it is paid.
    pub payment: Payment,
    /// Where it goes.
    pub region: Region,
}

/// An article is not there; nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "inventory.rejected", version = 1, key = order_id)]
pub struct InventoryRejected {
    /// The order.
    pub order_id: OrderId,
    /// The first article that is not there.
    pub sku: Sku,
}

/// What the inventory can answer.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
pub enum InventoryAnswer {
    /// Kept for the order.
    Reserved(InventoryReserved),
    /// Not there.
    Rejected(InventoryRejected),
}

/// The order is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "payment.completed", version = 1, key = order_id)]
pub struct PaymentCompleted {
    /// The order.
    pub order_id: OrderId,
    /// What was paid.
    pub amount: Money,
    /// In this currency.
    pub currency: Currency,
    /// Where the order goes.
    pub region: Region,
}

/// The payment partner said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "payment.failed", version = 1, key = order_id)]
pub struct PaymentFailed {
    /// The order.
    pub order_id: OrderId,
}

/// What the payment partner can answer.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
pub enum PaymentAnswer {
    /// Paid.
    Completed(PaymentCompleted),
    /// Refused.
    Failed(PaymentFailed),
}

/// What was kept for an order is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "inventory.released", version = 1, key = order_id)]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
}

/// Why an order can't go on, whichever step says so.
#[derive(Debug, Clone, PartialEq, Eq, Event)]
pub enum OrderRefused {
    /// An article is not there.
    OutOfStock(InventoryRejected),
    /// The payment was declined, and what was kept is free again.
    NotPaid(InventoryReleased),
}

/// The parcel is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "shipping.scheduled", version = 1, key = order_id)]
pub struct ShippingScheduled {
    /// The order.
    pub order_id: OrderId,
    /// Who carries it.
    pub carrier: String,
}

/// The order went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.completed", version = 1, key = order_id)]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
}

/// The order was rejected; whatever was done for it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.rejected", version = 1, key = order_id)]
pub struct OrderRejected {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: Rejection,
}
