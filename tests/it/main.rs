//! Behaviour across the crates, in one binary: macro → registry → graph → consumer → pipeline → memory transport.
#![expect(clippy::unwrap_used, reason = "tests")]


mod failures;







mod retries;
mod support;
