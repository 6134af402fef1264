//! A composite that settles by hand.

swit::composite!(orders, strategy = parallel, topic = "order.created", ack = "manual");

fn main() {}
