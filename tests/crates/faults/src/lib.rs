//! Fault tests: a producer and a handler, each a process of its own with its ledger, a broker, and what happens to them.
//!
//! [`Rig`] is what a test holds: it starts brokers and processes, waits for what has to happen, and compares the ledgers.
//! The processes are the binary `faulty` in one of its [roles](role).
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a panic is how a test fails")]

pub mod once;
pub mod process;
pub mod rig;
pub mod role;
pub mod transact;
pub mod work;

pub use process::Process;
pub use rig::Rig;
pub use work::{Conduct, Work};
