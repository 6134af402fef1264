//! A section that can't be read.

use swit::prelude::*;

#[derive(ConfigSection)]
#[config(section = "orders")]
struct Orders {
    url: String,
}

fn main() {}
