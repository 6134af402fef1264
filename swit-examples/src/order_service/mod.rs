//! `order-service`: orders from a file or from standard input, taken through a whole flow by events.

pub mod dead_letters;
pub mod events;
pub mod handlers;
pub mod input;
pub mod intake;
pub mod ledger;
pub mod order;
pub mod partners;
