//! A variant that holds something else.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct Created;

#[derive(Event)]
enum Orders {
    Created(Created),
}

fn main() {}
