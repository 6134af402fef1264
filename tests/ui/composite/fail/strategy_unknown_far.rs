//! A strategy that is like none.

swit::composite!(orders, strategy = whatever, topic = "order.created");

fn main() {}
