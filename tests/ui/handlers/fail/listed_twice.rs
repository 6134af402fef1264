//! A crate that is listed twice.

swit::handlers!(serde, serde);

fn main() {}
