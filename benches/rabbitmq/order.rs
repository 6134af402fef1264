//! The message: a JSON order of 220 bytes, with a number in it.

use serde::{Deserialize, Serialize};
use swit::Event;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1)]
#[expect(clippy::struct_field_names, reason = "the order's own words")]
pub(crate) struct Order {
    order_id: String,
    customer_id: String,
    currency: String,
    pub(crate) items: Vec<Item>,
    note: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    sku: String,
    quantity: u32,
    unit_price: String,
}

/// An order of two items.
pub(crate) fn numbered(number: u64) -> Order {
    Order {
        order_id: format!("{number:016}"),
        customer_id: "cus-4711".into(),
        currency: "EUR".into(),
        items: vec![
            Item { sku: "SKU-1001".into(), quantity: 2, unit_price: "19.90".into() },
            Item { sku: "SKU-1002".into(), quantity: 1, unit_price: "5.00".into() },
        ],
        note: "leave at the door".into(),
    }
}

pub(crate) fn number(order: &Order) -> u64 {
    order.order_id.parse().expect("a number")
}
