//! Handlers in a library that knows swit as `messaging`: every attribute says `crate = messaging`.

#![forbid(unsafe_code)]
#![deny(
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    missing_docs,
    missing_debug_implementations,
    single_use_lifetimes,
    unreachable_pub,
    unused,
    unused_qualifications,
    warnings
)]

pub mod billing;

use messaging::{
    Classify, Config, ConfigSection, Context, ErrorAction, Event, Message, MessageId, Metadata, Next, Outcome, Publish,
    PublishError, PublishNext, Publisher, State, event_handler, middleware, provider, publisher, subscriber,
};
use serde::{Deserialize, Serialize};

/// An order was placed.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.placed", version = 1, key = id, crate = messaging)]
pub struct OrderPlaced {
    /// Its id.
    pub id: u64,
}

/// Stock was reserved for an order.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "stock.reserved", crate = messaging)]
pub struct StockReserved {
    /// The order's id.
    pub order: u64,
}

/// Why stock is not reserved.
#[derive(Debug, thiserror::Error, Classify)]
#[class(crate = messaging)]
#[non_exhaustive]
pub enum StockError {
    /// There is none left.
    #[error("out of stock")]
    #[class(permanent)]
    Out,
    /// The warehouse does not answer.
    #[error("the warehouse does not answer")]
    #[class(from)]
    Warehouse(#[from] std::io::Error),
}

/// Where the warehouse is.
#[derive(Debug, Deserialize, ConfigSection)]
#[config(section = "warehouse", crate = messaging)]
pub struct WarehouseConfig {
    /// How many it holds.
    pub capacity: u64,
}

/// The warehouse.
#[derive(Debug)]
pub struct Warehouse {
    capacity: u64,
}

/// Opens the warehouse.
///
/// # Errors
/// It holds nothing.
#[provider(close = Warehouse::shut, crate = messaging)]
#[expect(clippy::unused_async, reason = "providers are async")]
pub async fn open_warehouse(config: Config<WarehouseConfig>) -> Result<Warehouse, StockError> {
    if config.capacity == 0 { Err(StockError::Out) } else { Ok(Warehouse { capacity: config.capacity }) }
}

impl Warehouse {
    /// Closes it.
    ///
    /// # Errors
    /// Never.
    #[expect(clippy::unused_async, reason = "`close` is async")]
    pub async fn shut(&self) -> Result<(), std::convert::Infallible> {
        Ok(())
    }
}

/// Counts what passes.
#[middleware(global = false, crate = messaging)]
pub async fn count(cx: &mut Context, next: Next<'_>, _warehouse: State<Warehouse>, _meta: Metadata) -> Outcome {
    let outcome = next.run(cx).await;
    if cx.attempt() > 100 { Outcome::discard("tired") } else { outcome }
}

/// Publishes reservations.
#[publisher(event = StockReserved, topic = "stock.reserved", partition = order, batch, crate = messaging)]
#[derive(Debug)]
pub struct StockReservedPublisher;

/// Stamps what goes out.
///
/// # Errors
/// What publishing answers.
#[middleware(publish, except = ["stock-reserved"], crate = messaging)]
pub async fn stamp(
    message: &mut Message,
    next: PublishNext<'_>,
    warehouse: State<Warehouse>,
) -> Result<MessageId, PublishError> {
    message.headers.insert("x-capacity", warehouse.capacity.to_string());
    next.run(message).await
}

/// Publishes for itself.
///
/// # Errors
/// What publishing answers.
#[subscriber(topic = "order.placed", name = "announce", crate = messaging)]
pub async fn announce(order: OrderPlaced, stock: Publisher<StockReservedPublisher>) -> Result<(), PublishError> {
    stock.publish(&StockReserved { order: order.id }).await?;
    Ok(())
}

/// Sees every failure.
#[expect(clippy::unused_async, reason = "`on_error` is async")]
pub async fn decide(_cx: &Context, error: &StockError) -> ErrorAction {
    if matches!(error, StockError::Out) { ErrorAction::Discard } else { ErrorAction::ByClass }
}

/// Reserves stock.
///
/// # Errors
/// There is none.
#[subscriber(topic = "order.placed", retries = 2, middleware = [count], on_error = decide, crate = messaging)]
#[expect(clippy::unused_async, reason = "handlers are async")]
pub async fn reserve_stock(
    order: OrderPlaced,
    warehouse: State<Warehouse>,
) -> Result<Publish<StockReserved>, StockError> {
    if order.id > warehouse.capacity {
        return Err(StockError::Out);
    }
    Ok(Publish(StockReserved { order: order.id }))
}

messaging::composite!(
    /// What is done once stock is reserved.
    pub restock,
    strategy = parallel,
    topic = "stock.reserved",
    middleware = [count],
    backoff = fixed("1s"),
    crate = messaging
);

/// Asks for more.
///
/// # Errors
/// There is none.
#[event_handler(composite = restock, order = 1, on_error = decide, crate = messaging)]
#[expect(clippy::unused_async, reason = "handlers are async")]
pub async fn order_more(reserved: StockReserved, warehouse: State<Warehouse>) -> Result<(), StockError> {
    if reserved.order > warehouse.capacity {
        return Err(StockError::Out);
    }
    Ok(())
}

/// Files it.
#[event_handler(composite = "restock", order = 2, blocking, crate = messaging)]
#[expect(clippy::needless_pass_by_value, reason = "handlers own their arguments")]
pub fn file_away(reserved: StockReserved) {
    let _ = format!("{reserved:?}");
}
