//! The metrics page: what is on it, from the start and after messages, and what never is.
#![expect(clippy::float_cmp, reason = "counted, not computed")]

mod bounds;
mod broker;
mod connections;
mod consuming;
mod deployed;
mod documented;
mod page;
mod publishing;
mod sagas;
mod scraped;
