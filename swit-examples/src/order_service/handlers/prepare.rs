//! What is done when an order comes in: checked, its stock looked at, priced, and its customer told.
//!
//! Four handlers behind one subscription, which do not wait for each other. One that fails is tried again by itself: what
//! the others did is not done twice.

use swit::{Classify, Context, ErrorAction, Publish, event_handler};

use crate::order_service::{
    events::{OrderCreated, OrderPriced, StockLow},
    metrics::{Stage, failed},
    order::{Money, MoneyError, OrderId},
    partners::{self, NoLetterBox},
};

swit::composite!(
    /// An order came in.
    pub prepare_order,
    strategy = parallel,
    topic = "order.created",
    concurrency = 2,
    prefetch = 256,
    dead_letter = "order-service.dead-letters",
);

/// An order that contradicts itself.
#[derive(Debug, PartialEq, Eq, thiserror::Error, Classify)]
#[non_exhaustive]
pub enum Inconsistent {
    /// What its items cost is not what it says.
    #[error("order {id} says that it costs {said}, but its items cost {found}")]
    #[class(invalid_input)]
    Total {
        /// The order.
        id: OrderId,
        /// As it says.
        said: Money,
        /// As it is.
        found: Money,
    },
    /// Its items can't be added up.
    #[error(transparent)]
    #[class(invalid_input)]
    Sum(#[from] MoneyError),
}

/// Holds an order to what it says: whoever publishes to its topic may be in error.
#[event_handler(composite = prepare_order, order = 10)]
pub async fn validate_order(order: OrderCreated) -> Result<(), Inconsistent> {
    total_of(&order).map(|_| ())
}

/// What an order costs, if that is what it says.
fn total_of(order: &OrderCreated) -> Result<Money, Inconsistent> {
    let found = Money::total(order.items.iter().map(|item| (item.quantity, item.unit_price)))?;
    if found == order.total {
        return Ok(found);
    }
    Err(Inconsistent::Total { id: order.order_id.clone(), said: order.total, found })
}

/// Looks whether an article runs out, and says so. Nothing is kept yet.
#[event_handler(composite = prepare_order, order = 20)]
pub async fn check_stock(order: OrderCreated) -> Option<Publish<StockLow>> {
    let sku = partners::runs_out(&order.items)?.clone();
    Some(Publish(StockLow { sku }))
}

/// Says what the order costs, and hands it on: unless it contradicts itself, since it does not wait for its neighbours.
#[event_handler(composite = prepare_order, order = 30)]
pub async fn calculate_price(order: OrderCreated) -> Result<Publish<OrderPriced>, Inconsistent> {
    let _pricing = Stage::Pricing.enter();
    let total = total_of(&order).inspect_err(failed(Some(order.labels.order_type)))?;
    let OrderCreated { order_id, items, currency, payment, labels, .. } = order;
    Ok(Publish(OrderPriced { order_id, lane: items[0].sku.clone(), items, total, currency, payment, labels }))
}

/// Tells the customer. Who can't be told gets the order all the same.
#[event_handler(composite = prepare_order, order = 40, on_error = only_warn)]
pub async fn notify_customer(order: OrderCreated) -> Result<(), NoLetterBox> {
    partners::notify(&order.customer_id)
}

/// It is done with, which is logged as a warning; it is not tried again, and the order goes on.
#[expect(clippy::unused_async, reason = "a decision is async, whether or not it waits")]
async fn only_warn(_cx: &Context, _error: &NoLetterBox) -> ErrorAction {
    ErrorAction::Discard
}

#[cfg(test)]
mod tests {
    use swit::{App, testing::TestApp};

    use super::*;
    use crate::order_service::order::{self, Labels};

    fn created(sku: &str, customer: &str) -> OrderCreated {
        let line = format!(
            r#"{{"order_id": "o", "customer_id": "{customer}", "currency": "EUR", "placed_at": "2026-03-01T12:00:00Z",
                "items": [{{"sku": "{sku}", "quantity": 2, "unit_price": "19.90"}}],
                "payment": {{"method": "card", "token": "tok_1"}}}}"#
        );
        let order = order::read(line.as_bytes()).unwrap();
        OrderCreated {
            total: order.total().unwrap(),
            labels: Labels { order_type: order.order_type, region: order.region },
            order_id: order.order_id,
            customer_id: order.customer_id,
            items: order.items,
            currency: order.currency,
            payment: order.payment,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn four_handlers_prepare_an_order() {
        let app = TestApp::start(App::only::<(prepare_order,)>()).await.unwrap();
        // Nobody takes what is priced: what counts is that it is said.
        let order = created("LOW-1", "unreachable-9");
        app.publish(&order).await.unwrap();
        app.wait_quiet().await;
        let priced: Vec<OrderPriced> = app.published();
        assert_eq!((priced[0].total, priced[0].lane.as_str()), (order.total, "LOW-1"));
        assert_eq!(app.published::<StockLow>(), [StockLow { sku: order.items[0].sku.clone() }]);
        assert_eq!((app.attempts("prepare-order"), app.dead_letters("prepare-order").len()), (1, 0), "only a warning");
        app.shutdown().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_contradicts_itself_is_given_up_at_once() {
        let app = TestApp::start(App::only::<(prepare_order,)>()).await.unwrap();
        let mut order = created("TEA-1", "c");
        order.total = created("TEA-1", "c").items[0].unit_price;
        app.publish(&order).await.unwrap();
        app.wait_quiet().await;
        let letters = app.dead_letters("prepare-order");
        assert_eq!((letters.len(), letters[0].reason.as_str()), (1, "invalid_input"));
        let error = &letters[0].error;
        assert!(error.contains("`validate-order`") && error.contains("19.90"), "{error}");
        assert_eq!(app.published::<OrderPriced>(), [], "and goes nowhere");
        app.shutdown().await.unwrap();
    }
}
