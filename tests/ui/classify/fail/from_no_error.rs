//! A wrapped value that is no error.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(from)]
    Unreachable(u8),
}

fn main() {}
