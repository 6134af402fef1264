//! A class that is nearly one.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transiet)]
    Unreachable,
}

fn main() {}
