//! Two sources of messages.

swit::composite!(orders, strategy = parallel, topic = "order.created", queue = "orders");

fn main() {}
