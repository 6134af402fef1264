//! A composite that is not exported.

mod work {
    swit::composite!(orders, strategy = parallel, topic = "order.created");
}

#[swit::event_handler(composite = work::orders, order = 10)]
async fn reserve(_bytes: bytes::Bytes) {}

fn main() {}
