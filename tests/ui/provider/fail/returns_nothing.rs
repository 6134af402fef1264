//! A function that provides nothing.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() {}

fn main() {}
