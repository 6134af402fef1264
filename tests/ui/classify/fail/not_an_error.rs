//! A type that is no error.

use swit::prelude::*;

#[derive(Debug, Classify)]
enum OrderError {
    #[class(transient)]
    Unreachable,
}

fn main() {}
