//! A key that is given twice.

swit::composite!(orders, strategy = parallel, strategy = sequential);

fn main() {}
