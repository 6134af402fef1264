//! A union.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Event)]
union Order {
    a: u8,
    b: u8,
}

fn main() {}
