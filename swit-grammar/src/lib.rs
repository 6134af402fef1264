//! What the keys of swit's attributes and configuration may say.
//!
//! The same words are read twice: by `swit-macros`, when an attribute is expanded, and by `swit-runtime`, when a
//! deployment overrides a key in `swit.toml` or in the environment. Both call this crate, so that a value which
//! compiles is a value which a configuration file may hold, and the messages are the same. It depends on nothing.

pub mod backoff;
pub mod batch;
pub mod breaker;
pub mod duration;
pub mod fault;
pub mod health;
pub mod jitter;
pub mod limits;
pub mod name;
pub mod nearest;
pub mod publisher;
pub mod rate_limit;
pub mod saga;
pub mod size;
pub mod subscriber;
pub mod topic;

pub use backoff::Backoff;
pub use batch::Batch;
pub use breaker::Breaker;
pub use fault::Fault;
pub use jitter::Jitter;
pub use rate_limit::RateLimit;
