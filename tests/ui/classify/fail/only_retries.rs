//! Retries without a class.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(retries = 3)]
    Unreachable,
}

fn main() {}
