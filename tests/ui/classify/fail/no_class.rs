//! A variant that says nothing.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient)]
    Unreachable,
    #[error("unknown")]
    Unknown,
    #[error("lost")]
    Lost(u8),
}

fn main() {}
