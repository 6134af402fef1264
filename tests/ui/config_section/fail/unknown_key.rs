//! A key that is nearly one.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
#[config(sektion = "orders")]
struct Orders {
    url: String,
}

fn main() {}
