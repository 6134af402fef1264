//! A name that no queue can have.

swit::composite!(größen, strategy = parallel);

fn main() {}
