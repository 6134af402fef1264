//! Keys of event handlers and of subscribers.

swit::composite!(orders, strategy = parallel, inbox, batch(max = 10));

fn main() {}
