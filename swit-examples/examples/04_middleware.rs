//! `cargo run -p swit-examples --example 04_middleware`
//!
//! Middleware around every subscriber: it refuses what carries no tenant, and tells handlers whose message it is.

#![expect(clippy::unused_async, reason = "handlers, middleware and providers are async whether or not they wait")]

use std::io::{self, Write as _};

use swit::{App, Message, prelude::*};

/// Whose message it is.
#[derive(Debug, Clone)]
pub struct Tenant(String);

#[middleware(order = 10)]
async fn tenant(cx: &mut Context, next: Next<'_>) -> Outcome {
    match cx.headers().get_str("x-tenant").map(str::to_owned) {
        Some(name) => {
            cx.insert_extension(Tenant(name));
            next.run(cx).await
        }
        None => Outcome::dead_letter("no_tenant"),
    }
}

#[subscriber(topic = "note.#", dead_letter = "notes.dlq")]
async fn read(note: Json<String>, tenant: Extension<Tenant>, delivery: Metadata) -> Result<(), io::Error> {
    writeln!(io::stdout().lock(), "{} wrote to {}: {}", tenant.0.0, delivery.topic, *note)
}

#[tokio::main]
async fn main() -> swit::Result<()> {
    let running = App::new().start().await?;
    let publisher = running.publisher()?;
    let note = |text: &str| Message::new("", format!("{text:?}"));
    publisher.publish_to("note.private", note("buy milk").with_header("x-tenant", "acme")).await?;
    publisher.publish_to("note.public", note("who am I?")).await?;
    running.wait_quiet().await;
    for letter in running.inspect("default").into_iter().flat_map(|inspect| inspect.browse("notes.dlq", 10)) {
        let reason = letter.headers.get_str("x-dead-letter-reason").unwrap_or_default();
        let written = writeln!(io::stdout().lock(), "dead letter: {} ({reason})", letter.topic);
        written.map_err(|source| swit::Error::Io { doing: "writing".to_owned(), source })?;
    }
    running.shutdown().await
}
