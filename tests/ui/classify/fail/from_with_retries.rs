//! A wrapped error's class, and retries.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(from, retries = 3)]
    Unreachable(#[from] std::io::Error),
}

fn main() {}
