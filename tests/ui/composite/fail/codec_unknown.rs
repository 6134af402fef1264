//! A codec that nobody knows.

swit::composite!(orders, strategy = parallel, topic = "order.created", codec = "yaml");

fn main() {}
