//! Keys without a name.

swit::composite!(strategy = sequential, topic = "order.created");

fn main() {}
