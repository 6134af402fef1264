//! Smoke.
#![forbid(unsafe_code)]
use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "payment.completed", version = 1, key = order_id)]
struct PaymentCompleted {
    pub order_id: String,
    pub amount: u64,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.confirmed")]
struct OrderConfirmed {
    pub order_id: String,
}

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("the order database is unreachable")]
    #[class(transient)]
    Database(#[from] std::io::Error),
    #[error("order {0} was never placed")]
    #[class(invalid_input)]
    Unknown(String),
    #[error("slow")]
    #[class(throttle, retries = 5, backoff = fixed("1s"), retry_after = after)]
    Slow { after: std::time::Duration },
    #[error("x")]
    #[class(from)]
    Wrapped(#[source] std::io::Error),
}

#[derive(Debug)]
struct Orders;
impl Orders {
    async fn close(&self) {}
}

#[derive(Debug, Deserialize, swit::ConfigSection)]
#[config(section = "orders")]
struct OrdersConfig {
    pub url: String,
}

#[provider(close = Orders::close)]
async fn open_orders(config: Config<OrdersConfig>) -> Result<Orders, std::io::Error> {
    let _ = &config.url;
    Ok(Orders)
}

async fn decide(_cx: &Context, _error: &OrderError) -> ErrorAction {
    ErrorAction::ByClass
}

#[middleware(global = false)]
async fn audit(cx: &mut Context, next: Next<'_>, _orders: State<Orders>) -> Outcome {
    let o = next.run(cx).await;
    let _ = cx.attempt();
    o
}

#[subscriber(topic = "payment.completed", concurrency = 10, retries = 3, timeout = "30s", dead_letter = "payment.events.dlq", on_error = decide, middleware = [audit])]
async fn confirm_order(event: PaymentCompleted, orders: State<Orders>) -> Result<Publish<OrderConfirmed>, OrderError> {
    let _ = orders;
    if event.amount == 0 {
        return Err(OrderError::Unknown(event.order_id));
    }
    Ok(Publish(OrderConfirmed { order_id: event.order_id }))
}

#[subscriber]
async fn plain(_event: OrderConfirmed) {}

#[derive(Debug, Serialize, Deserialize)]
struct X;

#[derive(Debug, Event)]
enum All {
    A(PaymentCompleted),
    B(OrderConfirmed),
}

#[subscriber(topics = ["payment.*", "order.confirmed"], blocking)]
fn all(all: All) {
    let _ = (&all, X);
}

swit::handlers!();

#[test]
fn registered() {
    use swit::__private::*;
    let names: Vec<_> = inventory::iter::<SubscriberRef>().map(|r| r.0.name).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(inventory::iter::<EventRegistration>().count(), 2);
    assert_eq!(inventory::iter::<ProviderRef>().count(), 1);
    assert_eq!(inventory::iter::<MiddlewareRef>().count(), 1);
    assert_eq!(<confirm_order as Handler>::REGISTRATION.name, "confirm-order");
}
