//! Keys that come later.

swit::composite!(orders, strategy = parallel, inbox, batch(max = 10));

fn main() {}
