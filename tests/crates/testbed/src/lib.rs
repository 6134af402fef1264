//! What swit's tests and benchmarks stand on: servers of their own, faults on demand, and a record of what happened.
//!
//! Everything here is for tests. It fails by a panic that says what is missing or went wrong, never by a skipped test, and
//! it leaves nothing behind: no process, no folder, whatever ends the test.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod broker;
pub mod fake;
pub mod folder;
pub mod ledger;
mod ports;
pub mod postgres;
pub mod proxy;
pub mod raw;
pub mod seed;

pub use broker::Broker;
pub use fake::Fake;
pub use ledger::Ledger;
pub use ports::free as free_port;
pub use postgres::Postgres;
pub use proxy::Proxy;
pub use raw::Raw;
pub use seed::Seed;
