//! More retries than anybody waits for.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient, retries = 1000)]
    Unreachable,
}

fn main() {}
