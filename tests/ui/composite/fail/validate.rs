//! A validation at the composite: each of its handlers has a payload of its own.

swit::composite!(orders, strategy = sequential, topic = "order.created", validate = schema);

fn main() {}
