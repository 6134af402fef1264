//! A subscriber's keys are held to its rules.

swit::composite!(orders, strategy = parallel, timeout = "0s", concurrency = 0);

fn main() {}
