//! Quotes around `per_instance` make a name of it.

use swit::prelude::*;

#[subscriber(topic = "order.created", group = "per_instance")]
async fn refresh(_: Headers) {}

fn main() {}
