//! `cargo run -p swit-examples --example 05_ordered_by_key`
//!
//! Four workers, and yet the events of one account are handled in their order, also when one of them is retried.

#![expect(clippy::unused_async, reason = "handlers, middleware and providers are async whether or not they wait")]

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// Money moved.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "account.changed", version = 1, key = account)]
pub struct AccountChanged {
    /// The account, and the message's key.
    pub account: String,
    /// Which change of the account, from 1.
    pub change: u32,
}

#[subscriber(order_by = key, concurrency = 4, retries = 3, backoff = fixed("20ms"))]
async fn book(event: AccountChanged, delivery: Metadata) -> Result<(), io::Error> {
    if event.change == 2 && delivery.attempt == 1 {
        return Err(io::Error::other("the ledger is busy"));
    }
    writeln!(io::stdout().lock(), "{} {} (attempt {})", event.account, event.change, delivery.attempt)
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::new().start().await?;
    let publisher = running.publisher()?;
    for change in 1..=3 {
        for account in ["alice", "bob", "carol"] {
            publisher.publish(&AccountChanged { account: account.to_owned(), change }).await?;
        }
    }
    running.wait_quiet().await;
    running.shutdown().await
}
