//! A section that is no struct.

use serde::Deserialize;
use swit::prelude::*;

#[derive(Deserialize, ConfigSection)]
#[config(section = "orders")]
enum Orders {
    Local,
}

fn main() {}
