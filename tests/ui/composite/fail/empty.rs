//! Nothing.

swit::composite!();

fn main() {}
