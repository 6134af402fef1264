//! A section without a name.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
struct Orders {
    url: String,
}

fn main() {}
