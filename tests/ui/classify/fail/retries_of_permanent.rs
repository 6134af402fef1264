//! Retries of what is not retried.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(permanent, retries = 3, backoff = fixed("1s"))]
    Unreachable,
}

fn main() {}
