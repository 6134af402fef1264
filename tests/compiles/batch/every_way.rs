//! What batch handlers may take and return.

use serde::{Deserialize, Serialize};
use swit::{Clock, Handle, Item, Service, prelude::*};
use tokio_util::sync::CancellationToken;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {
    id: u64,
}

#[derive(Event)]
enum OrderEvent {
    Created(OrderCreated),
    Paid(OrderPaid),
}

struct Db;

#[derive(Debug, Deserialize, ConfigSection)]
#[config(section = "store")]
struct Store {}

#[derive(Debug, thiserror::Error, Classify)]
#[error("full")]
#[class(throttle)]
struct Full;

fn fine(order: &OrderCreated) -> Result<(), String> {
    if order.id == 0 { Err("no id".to_owned()) } else { Ok(()) }
}

#[subscriber(
    topic = "order.created", event = "OrderCreated", group = "stock", concurrency = 4, prefetch = 1000, timeout = "1m",
    retries = 5, backoff = fixed("1s"), dead_letter = false, codec = "json", validate = fine,
    circuit_breaker, rate_limit(per_second = 1000, burst = 100), batch(max = 100, within = "100ms")
)]
async fn everything(
    _db: State<Db>,
    orders: swit::Batch<OrderCreated>,
    _none: Option<State<Full>>,
    _store: Config<Store>,
    publisher: Publisher,
    _handle: Handle,
    _token: CancellationToken,
    _clock: Clock,
    _service: Service,
) -> Result<BatchOutcome, Full> {
    for (place, order) in orders.iter().enumerate() {
        let _: &Item<OrderCreated> = order;
        let _ = (place, order.id(), order.id, order.headers(), orders[place].redeliveries());
        let _ = publisher.under(order).publish(&OrderPaid { id: order.id }).await;
    }
    let mut outcome = orders.outcome();
    outcome.fail(0, Full).discard(1, "old");
    Ok(outcome)
}

#[subscriber(topics = ["order.created", "order.paid"], batch(max = 2, within = "1ms"))]
async fn several(events: Batch<OrderEvent>) -> Outcome {
    for event in events {
        match event.into_value() {
            OrderEvent::Created(created) => assert!(created.id > 0),
            OrderEvent::Paid(paid) => assert!(paid.id > 0),
        }
    }
    Outcome::success()
}

#[subscriber(topic = "raw.#", ack = "none", batch(max = 2, within = "1ms"))]
async fn raw(bodies: Batch<bytes::Bytes>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    assert!(bodies.values().all(|body| !body.is_empty()));
    Ok(())
}

#[subscriber(topic = "raw.#", batch(max = 2, within = "1ms"), blocking)]
fn blocks(values: Batch<Json<u64>>) -> BatchOutcome {
    values.values().map(|value| if value.0 > 1 { Outcome::success() } else { Outcome::fail("too small") }).collect()
}

#[subscriber(batch(max = 2, within = "1ms"))]
async fn one_by_one(orders: Batch<OrderCreated>, db: State<Db>) -> BatchOutcome {
    let place = |_: &Db, id: u64| async move { if id > 0 { Ok(()) } else { Err(Full) } };
    orders.each(async |order| place(&db, order.id).await).await
}

#[subscriber(batch(max = 2, within = "1ms"))]
async fn readable(orders: Batch<Result<OrderCreated, swit::DecodeError>>) {
    assert!(orders.into_iter().all(|order| order.is_ok()));
}

#[test]
fn works() {
    // It stays a function that can be called.
    drop(several(Batch::new([])));
    let _ = blocks(Batch::new([Json(1), Json(2)]));
}
