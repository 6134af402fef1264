//! Every key of a saga and of its functions.

use serde::{Deserialize, Serialize};
use swit::{
    middleware,
    prelude::*,
    sagas::{IdempotencyKey, SagaKey, Undoing},
};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = order)]
struct Created {
    order: String,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.shipped", key = order)]
struct Shipped {
    order: String,
}

#[middleware(global = false)]
async fn around(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn rules() -> swit::ErrorClassifier {
    swit::ErrorClassifier::new()
}

fn valid(_event: &Created) -> Result<(), std::io::Error> {
    Ok(())
}

async fn anyhow(_cx: &Context, _error: &std::io::Error) -> ErrorAction {
    ErrorAction::ByClass
}

#[derive(Serialize, Deserialize)]
struct Place {
    order: String,
}

type Answer<T = ()> = Result<T, std::io::Error>;

#[saga(key = order, name = "place", version = 3, accepts = [1, 2], timeout = "1h", concurrency = 32, crate = ::swit)]
impl Place {
    #[start(
        name = "placing",
        topics = ["order.created", "order.*"],
        event = "Created",
        group = "places",
        concurrency = 4,
        prefetch = 64,
        order_by = key,
        timeout = "5s",
        retries = 5,
        backoff = exponential("1s", max = "30s", factor = 2, jitter = 0.1),
        dead_letter = "places.dlq",
        middleware = [around],
        on_error = anyhow,
        enabled = true,
        codec = "json",
        transport = "default",
        classifier = rules,
        circuit_breaker,
        rate_limit(per_second = 100),
        validate = valid,
        blocking
    )]
    fn begin(event: Created) -> Answer<Self> {
        Ok(Self { order: event.order })
    }

    #[step(compensate = undo, name = "first", retries = 3, backoff = linear("1s"), timeout = "5s", after = "10m", idempotency_key = order)]
    async fn one(&self, _tx: Tx, _key: IdempotencyKey) -> Answer<u8> {
        Ok(1)
    }

    #[compensation(retries = 3, backoff = fixed("1s"), timeout = "5s")]
    async fn undo(&self, #[output] _one: u8, _tx: Tx, _why: Undoing) -> Answer {
        Ok(())
    }

    #[wait(
        key = order,
        within = "2d",
        compensate = forget,
        idempotency_key = reference,
        name = "second",
        topic = "order.shipped",
        event = "Shipped",
        group = per_instance,
        prefetch = 64,
        ordered,
        timeout = "5s",
        retries = 5,
        backoff = none,
        dead_letter = false,
        middleware = [around],
        enabled = false,
        codec = "json",
        transport = "default",
        classifier = rules,
        circuit_breaker(failures = 3),
        rate_limit(per_second = 100, burst = 10),
        validate = of_them
    )]
    async fn two(event: Option<Shipped>, #[output(one)] _one: u8, _of: SagaKey) -> Answer<Option<u8>> {
        Ok(event.map(|_| 2))
    }

    #[compensation]
    async fn forget(#[output] _two: Option<Option<u8>>, #[output(one)] _one: u8) -> Answer {
        Ok(())
    }

    #[wait(queue = "shipments", key = of, no_compensation)]
    async fn three(&self, event: Json<Shipped>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(event.0.order.into())
    }

    /// Another function.
    pub(crate) fn reference(&self) -> impl std::fmt::Display + use<> {
        1
    }

    fn of(event: &Json<Shipped>) -> u32 {
        event.0.order.len() as u32
    }
}

fn of_them(_event: &Shipped) -> Result<(), std::io::Error> {
    Ok(())
}
