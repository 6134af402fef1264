//! `SWIT_GREETING__WORD=good-day cargo run -p swit-examples --example 03_providers_and_configuration`
//!
//! State that is built before anything is consumed, from a section of the configuration.

#![expect(clippy::unused_async, reason = "handlers, middleware and providers are async whether or not they wait")]

use std::{
    io::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use serde::{Deserialize, Serialize};
use swit::{App, prelude::*};

/// `[greeting]` in `swit.toml`, or `SWIT_GREETING__…` in the environment.
#[derive(Debug, Deserialize, ConfigSection)]
#[config(section = "greeting")]
pub struct Greeting {
    #[serde(default = "hello")]
    word: String,
}

fn hello() -> String {
    "hello".to_owned()
}

/// What all handlers share.
#[derive(Debug)]
pub struct Desk {
    word: String,
    greeted: AtomicU64,
}

impl Desk {
    async fn close(&self) -> Result<(), io::Error> {
        writeln!(io::stdout().lock(), "{} guests were greeted", self.greeted.load(Ordering::Relaxed))
    }
}

#[provider(close = Desk::close)]
async fn open_desk(greeting: Config<Greeting>) -> Result<Desk, io::Error> {
    Ok(Desk { word: greeting.word.clone(), greeted: AtomicU64::new(0) })
}

/// Somebody came in.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "guest.arrived", version = 1)]
pub struct GuestArrived {
    /// Who.
    pub name: String,
}

#[subscriber(concurrency = 4)]
async fn greet(guest: GuestArrived, desk: State<Desk>) -> Result<(), io::Error> {
    desk.greeted.fetch_add(1, Ordering::Relaxed);
    writeln!(io::stdout().lock(), "{}, {}", desk.word, guest.name)
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::new().start().await?;
    let publisher = running.publisher()?;
    for name in ["Ada", "Grace"] {
        publisher.publish(&GuestArrived { name: name.to_owned() }).await?;
    }
    running.wait_quiet().await;
    running.shutdown().await
}
