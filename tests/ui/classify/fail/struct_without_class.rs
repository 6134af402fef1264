//! A struct that says nothing.

use swit::prelude::*;

#[derive(Debug, thiserror::Error, Classify)]
#[error("unreachable")]
struct Unreachable;

fn main() {}
