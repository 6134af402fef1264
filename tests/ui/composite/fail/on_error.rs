//! `on_error` is each handler's.

swit::composite!(orders, strategy = parallel, topic = "order.created", on_error = decide, blocking);

fn main() {}
