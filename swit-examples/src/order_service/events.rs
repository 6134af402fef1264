//! The events of the flow: what each step tells the next.
//!
//! ```text
//! order.line ─ accept-order ─ order.created ─ prepare-order ─ order.priced ─ reserve-inventory ┬ inventory.reserved ─ take-payment ┬ payment.completed ─ schedule-shipping ─ shipping.scheduled ─ complete-order ─ order.completed
//!                                                                                              │                                   └ payment.failed ─ release-inventory ─ inventory.released ┐
//!                                                                                              └ inventory.rejected ──────────────────────────────────────────────────── reject-order ───────┴ order.rejected
//! ```
//!
//! `prepare-order` is four handlers of one event, of which `calculate-price` hands the order on.
//!
//! Beside the flow, `order.duplicate` and `order.dead-lettered` ([`DEAD_LETTERED`]) say what else becomes of lines, and
//! `order.updated`, `order.events` and `stock.low` tell whoever wants to know: nobody has to.

use serde::{Deserialize, Serialize};
use swit::Event;

use super::{
    ledger::Rejection,
    order::{Currency, CustomerId, Item, Labels, Money, OrderId, Payment, Sku},
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
    /// What it is counted by.
    pub labels: Labels,
}

/// A valid order came in, and another one before it had its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.duplicate", version = 1, key = order_id)]
pub struct OrderDuplicate {
    /// The id that both have.
    pub order_id: OrderId,
}

/// It is known what the order costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.priced", version = 1, key = lane)]
pub struct OrderPriced {
    /// The order.
    pub order_id: OrderId,
    /// What it waits in line for: orders for one article are taken in their order. Of several, the first.
    pub lane: Sku,
    /// What was ordered.
    pub items: Vec<Item>,
    /// What it costs.
    pub total: Money,
    /// In this currency.
    pub currency: Currency,
    /// How it is paid.
    pub payment: Payment,
    /// What it is counted by.
    pub labels: Labels,
}

/// An article runs out. Informational: one or the other may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "stock.low", version = 1, key = sku, unrouted = "ignore")]
pub struct StockLow {
    /// The article.
    pub sku: Sku,
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
    /// What it is counted by.
    pub labels: Labels,
}

/// An article is not there; nothing is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "inventory.rejected", version = 1, key = order_id)]
pub struct InventoryRejected {
    /// The order.
    pub order_id: OrderId,
    /// The first article that is not there.
    pub sku: Sku,
    /// What the order is counted by.
    pub labels: Labels,
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
    /// What the order is counted by.
    pub labels: Labels,
}

/// The payment partner said no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "payment.failed", version = 1, key = order_id)]
pub struct PaymentFailed {
    /// The order.
    pub order_id: OrderId,
    /// What the order is counted by.
    pub labels: Labels,
}

/// What was kept for an order is free again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "inventory.released", version = 1, key = order_id)]
pub struct InventoryReleased {
    /// The order.
    pub order_id: OrderId,
    /// What the order is counted by.
    pub labels: Labels,
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
    /// What the order is counted by.
    pub labels: Labels,
}

/// The order went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.completed", version = 1, key = order_id)]
pub struct OrderCompleted {
    /// The order.
    pub order_id: OrderId,
    /// What the order is counted by.
    pub labels: Labels,
}

/// The order was rejected; whatever was done for it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.rejected", version = 1, key = order_id)]
pub struct OrderRejected {
    /// The order.
    pub order_id: OrderId,
    /// Why.
    pub reason: Rejection,
    /// What the order is counted by.
    pub labels: Labels,
}

/// The topic of whole dead letters, once they were taken from their queue.
pub const DEAD_LETTERED: &str = "order.dead-lettered";

/// How far an order has come, as its customer sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It is paid.
    Paid,
    /// Its parcel is on its way.
    Shipped,
    /// What was kept for it is free again.
    Released,
}

/// An order came a step further. Informational: one or the other may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.updated", version = 1, key = order_id, unrouted = "ignore")]
pub struct OrderUpdated {
    /// The order.
    pub order_id: OrderId,
    /// How far it has come.
    pub step: Step,
}

/// How an order ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It went through.
    Completed,
    /// It was rejected.
    Rejected,
}

/// A line of the audit stream. Informational: one or the other may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.events", version = 1, key = order_id, unrouted = "ignore")]
pub struct OrderEnded {
    /// The order.
    pub order_id: OrderId,
    /// How it ended.
    pub ending: Ending,
    /// What the order is counted by.
    pub labels: Labels,
}
