//! An order: what a line of input must be, made of types that cannot hold anything else.
//!
//! ```json
//! {"order_id": "o-1", "customer_id": "c-1", "currency": "EUR", "placed_at": "2026-03-01T12:00:00Z",
//!  "items": [{"sku": "TEA-1", "quantity": 2, "unit_price": "19.90"}],
//!  "payment": {"method": "card", "token": "tok_1"}, "type": "retail", "region": "europe"}
//! ```
//!
//! Validation is deserialization: every field has a type that refuses what the format forbids, so that an order that
//! exists is valid, wherever it was read. [`read`] reads a line and says which field is wrong.

mod labels;
mod money;
mod object;
mod path;
mod quantity;
mod read;
mod rfc3339;
mod text;

use serde::{Deserialize, Serialize};

pub use labels::{Labels, OrderType, Region};
pub use money::{Money, MoneyError};
pub use quantity::Quantity;
pub use read::{InvalidLine, read};
pub use rfc3339::PlacedAt;
pub use text::{Currency, CustomerId, OrderId, Sku};

/// A valid order. Unknown fields are passed over; a known field that stands twice is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id; the first valid line with it is the order, later ones are duplicates.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// The currency of all its prices.
    pub currency: Currency,
    /// When it was placed.
    pub placed_at: PlacedAt,
    /// What was ordered; at least one.
    #[serde(deserialize_with = "object::at_least_one")]
    pub items: Vec<Item>,
    /// How it is paid.
    #[serde(deserialize_with = "object::object")]
    pub payment: Payment,
    /// What kind of order it is.
    #[serde(rename = "type", default)]
    pub order_type: OrderType,
    /// Where it goes.
    #[serde(default)]
    pub region: Region,
}

/// One position of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What is ordered.
    pub sku: Sku,
    /// How many of it.
    pub quantity: Quantity,
    /// What one of it costs.
    pub unit_price: Money,
}

/// How an order is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The means of payment, `card` for one.
    pub method: String,
    /// What the payment partner knows it by.
    pub token: String,
}

impl Order {
    /// What it is counted by.
    pub fn labels(&self) -> Labels {
        Labels { order_type: self.order_type, region: self.region }
    }

    /// The sum of all items, exact.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`].
    pub fn total(&self) -> Result<Money, MoneyError> {
        Money::total(self.items.iter().map(|item| (item.quantity, item.unit_price)))
    }
}
