//! An attribute that says nothing.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class]
    Unreachable,
}

fn main() {}
