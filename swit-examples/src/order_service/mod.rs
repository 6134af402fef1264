//! `order-service`: orders from a file or from standard input, taken through a whole flow by events.

pub mod input;
pub mod ledger;
pub mod order;
