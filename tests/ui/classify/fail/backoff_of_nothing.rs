//! A backoff that is none.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient, backoff = later)]
    Unreachable,
}

fn main() {}
