//! A section of swit's own.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
#[config(section = "telemetry")]
struct Orders {
    url: String,
}

fn main() {}
