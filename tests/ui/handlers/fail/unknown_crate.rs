//! A crate that is no dependency.

swit::handlers!(payments);

fn main() {}
