//! No comma behind the name.

swit::composite!(orders strategy = sequential);

fn main() {}
