//! A handler in a nested module, blocking.

use messaging::{Event, subscriber};

use crate::{OrderPlaced, StockReserved};

/// What billing listens to.
#[derive(Debug, Event)]
#[event(crate = messaging)]
#[non_exhaustive]
pub enum Billable {
    /// An order was placed.
    Placed(OrderPlaced),
    /// Stock was reserved.
    Reserved(StockReserved),
}

/// Writes the bill to disk.
#[subscriber(topics = ["order.#", "stock.reserved"], blocking, crate = messaging)]
#[expect(clippy::needless_pass_by_value, reason = "handlers own their arguments")]
pub fn write_bill(event: Billable) {
    let _ = format!("{event:?}");
}
