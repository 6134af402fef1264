//! A name in quotation marks.

swit::composite!("orders", strategy = sequential);

fn main() {}
