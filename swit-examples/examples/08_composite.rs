//! `cargo run -p swit-examples --example 08_composite`, or `cargo test -p swit-examples --example 08_composite`
//!
//! Four handlers of one order behind one subscription: it is checked, reserved, priced, and its customer is told. Each fails
//! for itself, and only what failed is done again; a mail that is not sent does no harm.
#![expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]

use std::{
    io::{self, Write as _},
    sync::Mutex,
};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// An order came in.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 1, key = order)]
pub struct OrderCreated {
    /// Its number.
    pub order: u32,
    /// How many pieces.
    pub pieces: u32,
}

/// What it costs.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.priced", version = 1, key = order, unrouted = "ignore")]
pub struct OrderPriced {
    /// Its number.
    pub order: u32,
    /// In cents.
    pub cents: u32,
}

/// Why an order can't be worked on.
#[derive(Debug, thiserror::Error, Classify)]
pub enum OrderError {
    /// There is nothing to deliver.
    #[error("an order of nothing")]
    #[class(invalid_input)]
    Empty,
    /// The warehouse does not answer.
    #[error("the warehouse does not answer")]
    #[class(transient)]
    Warehouse,
    /// The mail server does not answer.
    #[error("no mail today")]
    #[class(transient)]
    Mail,
}

/// What was done, and how often it is done in vain first.
#[derive(Debug, Default)]
pub struct Shop {
    done: Mutex<Vec<String>>,
    outages: Mutex<u32>,
}

impl Shop {
    fn note(&self, what: &str, order: u32) {
        let line = format!("{order}: {what}");
        // A closed terminal is nothing that an order has to wait for.
        let _ = writeln!(io::stdout().lock(), "{line}");
        self.done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(line);
    }

    fn answers(&self) -> bool {
        let mut outages = self.outages.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let answers = *outages == 0;
        *outages = outages.saturating_sub(1);
        answers
    }
}

swit::composite!(
    /// What is done when an order comes in.
    pub orders_created,
    strategy = parallel,
    topic = "order.created",
    retries = 3,
    backoff = fixed("500ms")
);

#[event_handler(composite = orders_created, order = 10)]
async fn check_order(event: OrderCreated, shop: State<Shop>) -> Result<(), OrderError> {
    if event.pieces == 0 {
        return Err(OrderError::Empty);
    }
    shop.note("checked", event.order);
    Ok(())
}

#[event_handler(composite = orders_created, order = 20)]
async fn reserve_stock(event: OrderCreated, shop: State<Shop>) -> Result<(), OrderError> {
    if !shop.answers() {
        shop.note("the warehouse does not answer", event.order);
        return Err(OrderError::Warehouse);
    }
    shop.note("reserved", event.order);
    Ok(())
}

#[event_handler(composite = orders_created, order = 30)]
async fn price_order(event: OrderCreated, shop: State<Shop>) -> Publish<OrderPriced> {
    shop.note("priced", event.order);
    Publish(OrderPriced { order: event.order, cents: event.pieces * 250 })
}

/// Nobody reserves or prices anything twice because of a mail.
async fn only_warn(_cx: &Context, error: &OrderError) -> ErrorAction {
    tracing::warn!(%error, "the customer was not told");
    ErrorAction::Discard
}

#[event_handler(composite = orders_created, order = 40, on_error = only_warn)]
async fn tell_customer(event: OrderCreated, shop: State<Shop>) -> Result<(), OrderError> {
    if event.order.is_multiple_of(2) {
        return Err(OrderError::Mail);
    }
    shop.note("told", event.order);
    Ok(())
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let shop = Shop { outages: Mutex::new(2), ..Shop::default() };
    let running = App::only::<(orders_created,)>().service("shop", "1").provide(shop).start().await?;
    let publisher = running.publisher()?;
    for (order, pieces) in [(1, 3), (2, 1), (3, 0)] {
        publisher.publish(&OrderCreated { order, pieces }).await?;
    }
    running.wait_quiet().await;
    running.shutdown().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use swit::testing::TestApp;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_failed_is_done_again() {
        let shop = Arc::new(Shop { outages: Mutex::new(2), ..Shop::default() });
        let app = App::only::<(orders_created,)>().service("shop", "1").provide_shared(shop.clone());
        let app = TestApp::start(app).await.unwrap();
        app.publish(&OrderCreated { order: 2, pieces: 4 }).await.unwrap();
        app.wait_quiet().await;
        let vain = "2: the warehouse does not answer";
        assert_eq!(*shop.done.lock().unwrap(), ["2: checked", vain, "2: priced", vain, "2: reserved"]);
        assert_eq!(app.published::<OrderPriced>().iter().map(|priced| priced.cents).collect::<Vec<_>>(), [1_000]);
        assert!(app.dead_letters("orders-created").is_empty(), "that nobody was told is no reason");

        app.publish(&OrderCreated { order: 3, pieces: 0 }).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(shop.done.lock().unwrap()[5..], ["3: reserved", "3: priced", "3: told"]);
        let dead = app.dead_letters("orders-created");
        assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "invalid_input"));
        assert_eq!(dead[0].error, "`check-order`: an order of nothing");
        app.shutdown().await.unwrap();
    }
}
