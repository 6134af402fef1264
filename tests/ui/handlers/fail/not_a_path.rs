//! A string where a crate goes.

swit::handlers!("payments");

fn main() {}
