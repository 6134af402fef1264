//! What `order-service` and `order-saga` have in common: the lines that they read, what a valid order is, the partners that
//! they ask, and the summary that they end with. Nothing here handles messages, so that linking it subscribes to nothing.

pub mod console;
pub mod input;
pub mod order;
pub mod partners;
pub mod progress;
pub mod sample;
pub mod signals;
pub mod summary;
