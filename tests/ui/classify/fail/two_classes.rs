//! Two classes.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient, permanent)]
    Unreachable,
}

fn main() {}
