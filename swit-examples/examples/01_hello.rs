//! `cargo run -p swit-examples --example 01_hello`
//!
//! One event, one subscriber, no configuration: publishes three events and shows what happened.

#![expect(clippy::unused_async, reason = "handlers, middleware and providers are async whether or not they wait")]

use std::io::{self, Write as _};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// Somebody came in.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "guest.arrived", version = 1)]
pub struct GuestArrived {
    /// Who.
    pub name: String,
}

#[subscriber]
async fn greet(guest: GuestArrived) -> Result<(), io::Error> {
    writeln!(io::stdout().lock(), "hello, {}", guest.name)
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    // A service calls `swit::run()` instead, and runs until it is told to stop.
    let running = App::new().start().await?;
    let publisher = running.publisher()?;
    for name in ["Ada", "Grace", "Barbara"] {
        publisher.publish(&GuestArrived { name: name.to_owned() }).await?;
    }
    running.wait_quiet().await;
    running.shutdown().await
}
