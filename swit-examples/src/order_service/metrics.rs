//! What the business wants to know, on the metrics page beside swit's own series: recorded through the facade of the crate
//! `metrics`, as a service does that has numbers of its own.
//!
//! | metric | labels | meaning |
//! |---|---|---|
//! | `orders_processed_total` | `type`, `status`, `region` | lines that this process read and that are done with |
//! | `order_value` | `type`, `region`, `currency` | what orders that came in cost |
//! | `orders_in_stage` | `stage` | orders that a step is working at; those that wait for it are `queue_depth` |
//! | `business_errors_total` | `type`, `class` | errors of the orders' own, each attempt; panics and timeouts are swit's to count |
//!
//! Labels are from closed sets, and never an order's id: a series for each order would outlive it for ever.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use swit::Classify;

use super::{
    ledger::Outcome,
    order::{Currency, Labels, Money, OrderType},
};

/// Values from 1 to some sixteen thousand, twice as much from bucket to bucket.
const VALUES: std::ops::Range<i32> = 0..15;

/// Currencies that have a series of their own: a currency may be any three letters.
const CURRENCIES: [&str; 5] = ["CNY", "EUR", "GBP", "JPY", "USD"];

/// Says what there is, and in which buckets values are counted.
pub fn describe() {
    if let Some(recorder) = swit::metrics::Recorder::install() {
        recorder.buckets("order_value", VALUES.map(|exponent| 2_f64.powi(exponent)));
    }
    describe_counter!("orders_processed_total", "Lines that are done with, by the order's type, status and region.");
    describe_histogram!("order_value", "What orders cost, in their own currency.");
    describe_gauge!("orders_in_stage", "Orders that a step is working at now.");
    describe_counter!("business_errors_total", "Errors of attempts, by the order's type and the error's class.");
    for stage in Stage::ALL {
        gauge!("orders_in_stage", "stage" => stage.as_str()).set(0.0);
    }
}

/// A line is done with.
pub fn processed(outcome: &Outcome, labels: Option<Labels>) {
    let status = match outcome {
        Outcome::Completed => "completed",
        Outcome::Rejected(_) => "rejected",
        Outcome::DeadLettered(_) => "dead_lettered",
        Outcome::Duplicate => "duplicate",
    };
    let Labels { order_type, region } = labels.unwrap_or_default();
    counter!("orders_processed_total", "type" => order_type.as_str(), "status" => status, "region" => region.as_str())
        .increment(1);
}

/// An order came in.
pub fn came_in(labels: Labels, total: Money, currency: Currency) {
    let currency = CURRENCIES.into_iter().find(|known| *known == currency.as_str()).unwrap_or("other");
    let Labels { order_type, region } = labels;
    histogram!("order_value", "type" => order_type.as_str(), "region" => region.as_str(), "currency" => currency)
        .record(total.to_f64());
}

/// An attempt at an order failed; of a line that is none, nobody knows the type.
pub fn failed<E: Classify>(order_type: Option<OrderType>) -> impl Fn(&E) {
    move |error| {
        let order_type = order_type.map_or("unknown", OrderType::as_str);
        let class = error.classify().class.as_str();
        counter!("business_errors_total", "type" => order_type, "class" => class).increment(1);
    }
}

/// A step of the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Read and accepted.
    Intake,
    /// Checked and priced.
    Pricing,
    /// Its articles are reserved.
    Inventory,
    /// It is paid.
    Payment,
    /// It is handed to a carrier.
    Shipping,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Intake, Self::Pricing, Self::Inventory, Self::Payment, Self::Shipping];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Pricing => "pricing",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
            Self::Shipping => "shipping",
        }
    }

    /// An order is in this stage as long as what this returns lives: until the step is done, fails or is cancelled.
    #[must_use = "the order leaves the stage when this is dropped"]
    pub fn enter(self) -> Within {
        let stage = gauge!("orders_in_stage", "stage" => self.as_str());
        stage.increment(1.0);
        Within(stage)
    }
}

/// An order is in a stage as long as this lives.
#[derive(Debug)]
pub struct Within(metrics::Gauge);

impl Drop for Within {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
