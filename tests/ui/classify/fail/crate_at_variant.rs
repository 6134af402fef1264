//! Where swit is, at a variant.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient, crate = swit)]
    Unreachable,
}

fn main() {}
