//! A class for all variants.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
#[class(transient)]
enum OrderError {
    #[error("unreachable")]
    Unreachable,
}

fn main() {}
