//! A strategy in quotation marks.

swit::composite!(orders, strategy = "parallel", topic = "order.created");

fn main() {}
