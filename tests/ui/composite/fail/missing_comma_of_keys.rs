//! No comma between two keys.

swit::composite!(orders, strategy = sequential topic = "order.created");

fn main() {}
