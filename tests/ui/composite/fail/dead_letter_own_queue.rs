//! Its own queue for its dead letters.

swit::composite!(orders, strategy = parallel, queue = "orders", dead_letter = "orders");

fn main() {}
