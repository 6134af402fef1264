//! Every mistake is reported at once.

swit::composite!(
    orders,
    strategy = paralel,
    topic = "order..created",
    retires = 3,
    timeout = "30",
    on_error = decide,
    ack = "manual"
);

fn main() {}
