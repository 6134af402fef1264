//! A key with a typing mistake.

swit::composite!(orders, strategy = parallel, topics = "order.created", retrys = 3);

fn main() {}
