//! A variant that wraps nothing.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(from)]
    Unreachable,
}

fn main() {}
