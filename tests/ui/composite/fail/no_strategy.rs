//! No strategy.

swit::composite!(orders, topic = "order.created");

fn main() {}
