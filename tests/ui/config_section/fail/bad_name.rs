//! A name that environment variables can't carry.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
#[config(section = "Order-Service")]
struct Orders {
    url: String,
}

fn main() {}
