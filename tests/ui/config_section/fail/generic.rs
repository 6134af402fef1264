//! A section with a type parameter.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
#[config(section = "orders")]
struct Orders<T> {
    url: T,
}

fn main() {}
