//! `cargo run -p swit-examples --example 02_retries_and_dead_letters`
//!
//! An error that goes away, one that does not, and where the message ends that is given up.

#![expect(clippy::unused_async, reason = "handlers, middleware and providers are async whether or not they wait")]

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// Something to pay.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "payment.requested", version = 1)]
pub struct PaymentRequested {
    /// Who pays.
    pub account: String,
}

/// Why it was not paid.
#[derive(Debug, thiserror::Error, Classify)]
pub enum PaymentError {
    /// The bank may be back in a moment.
    #[error("the bank does not answer")]
    #[class(transient)]
    NoAnswer,
    /// It will never be.
    #[error("there is no account {0}")]
    #[class(invalid_input)]
    NoAccount(String),
}

#[subscriber(retries = 3, backoff = fixed("50ms"), dead_letter = "payments.dlq")]
async fn pay(payment: PaymentRequested, delivery: Metadata) -> Result<(), PaymentError> {
    match payment.account.as_str() {
        "flaky" if delivery.attempt < 3 => Err(PaymentError::NoAnswer),
        "down" => Err(PaymentError::NoAnswer),
        "nobody" => Err(PaymentError::NoAccount(payment.account)),
        _ => Ok(()),
    }
}

/// Dead letters are messages like any others: whoever wants them consumes their queue.
#[subscriber(queue = "payments.dlq")]
async fn tell(headers: Headers, payment: Json<PaymentRequested>) -> Result<(), io::Error> {
    let say = |name| headers.get(name).map_or_else(String::new, ToString::to_string);
    writeln!(
        io::stdout().lock(),
        "{}: {} after {} attempts: {}",
        payment.account,
        say("x-dead-letter-reason"),
        say("x-dead-letter-attempts"),
        say("x-dead-letter-error"),
    )
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::new().start().await?;
    let publisher = running.publisher()?;
    for account in ["fine", "flaky", "down", "nobody"] {
        publisher.publish(&PaymentRequested { account: account.to_owned() }).await?;
    }
    running.wait_quiet().await;
    running.shutdown().await
}
