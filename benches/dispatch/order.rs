//! The message: a JSON order of 220 bytes, encoded once.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use swit::Event;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1)]
#[expect(clippy::struct_field_names, reason = "the order's own words")]
pub(crate) struct Order {
    pub(crate) order_id: String,
    pub(crate) customer_id: String,
    pub(crate) currency: String,
    pub(crate) items: Vec<Item>,
    pub(crate) note: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) quantity: u32,
    pub(crate) unit_price: String,
}

pub(crate) fn payload() -> Bytes {
    let order = Order {
        order_id: "ord-000000000001".into(),
        customer_id: "cus-4711".into(),
        currency: "EUR".into(),
        items: vec![
            Item { sku: "SKU-1001".into(), quantity: 2, unit_price: "19.90".into() },
            Item { sku: "SKU-1002".into(), quantity: 1, unit_price: "5.00".into() },
        ],
        note: "leave at the door".into(),
    };
    let bytes = serde_json::to_vec(&order).expect("an order can be encoded");
    assert!((215..=225).contains(&bytes.len()), "the order has {} bytes", bytes.len());
    // Shared from the start, so that a copy of the handle is a reference count in both loops.
    let shared = Bytes::from(bytes);
    drop(shared.clone());
    shared
}
