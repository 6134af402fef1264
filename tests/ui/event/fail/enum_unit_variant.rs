//! Variants that hold no event.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Event)]
enum Orders {
    Created,
    Paid { id: u64 },
    Both(u8, u8),
}

fn main() {}
