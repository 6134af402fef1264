//! A strategy with a typing mistake.

swit::composite!(orders, strategy = paralell, topic = "order.created");

fn main() {}
