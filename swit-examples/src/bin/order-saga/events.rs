//! The events around the saga: what starts it, what it asks for and waits for, and how it ended.
//!
//! Their topics are not those of `order-service`, so that both can be on one broker.

use std::fmt;

use serde::{Deserialize, Serialize};
use swit::Event;
use swit_orders::order::{Currency, Item, Labels, Money, OrderId, Payment, Region};

/// An order's id as databases can keep it: PostgreSQL's texts hold no NUL, which an id may. `\` stands for itself twice, and
/// `\0` for NUL, so that two ids never become one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OrderKey(String);

impl OrderKey {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&OrderId> for OrderKey {
    fn from(id: &OrderId) -> Self {
        Self(id.as_str().replace('\\', "\\\\").replace('\0', "\\0"))
    }
}

impl fmt::Display for OrderKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl AsRef<str> for OrderKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// A line of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineRef {
    /// What the input is known by.
    pub(crate) input: String,
    /// Its number, from 1.
    pub(crate) number: i64,
}

/// A valid order came in, the first with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.placed", version = 1, key = order)]
pub(crate) struct OrderPlaced {
    /// The order.
    pub(crate) order: OrderKey,
    /// The line that it came in.
    pub(crate) line: LineRef,
    /// What was ordered.
    pub(crate) items: Vec<Item>,
    /// What it costs.
    pub(crate) total: Money,
    /// In this currency.
    pub(crate) currency: Currency,
    /// How it is paid.
    pub(crate) payment: Payment,
    /// What it is counted by.
    pub(crate) labels: Labels,
}

/// A parcel is to be carried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "shipping.requested", version = 1, key = order)]
pub(crate) struct ShippingRequested {
    /// The order.
    pub(crate) order: OrderKey,
    /// Where it goes.
    pub(crate) region: Region,
}

/// A carrier has the parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "shipping.booked", version = 1, key = order)]
pub(crate) struct ShippingBooked {
    /// The order.
    pub(crate) order: OrderKey,
    /// Who carries it.
    pub(crate) carrier: String,
}

/// The order went through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.confirmed", version = 1, key = order)]
pub(crate) struct OrderConfirmed {
    /// The order.
    pub(crate) order: OrderKey,
    /// Who carries it.
    pub(crate) carrier: String,
}

/// The order did not go through; whatever was done for it is undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "order.cancelled", version = 1, key = order)]
pub(crate) struct OrderCancelled {
    /// The order.
    pub(crate) order: OrderKey,
    /// Why.
    pub(crate) reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ids_have_two_keys_without_nul() {
        let key = |text: &str| OrderKey::from(&serde_json::from_value::<OrderId>(text.into()).unwrap());
        assert_eq!(key("o-1").as_str(), "o-1");
        assert_eq!(key("a\0b").as_str(), r"a\0b");
        assert_ne!(key("a\0b"), key(r"a\0b"));
        assert_ne!(key("\\\0"), key(r"\\0"));
    }
}
