//! Named publishers, batches, asynchronous publishing, flushing, publish-side middleware, publishers made at runtime.

mod asynchronous;
mod batching;
mod flushing;
mod graph;
mod middleware;
mod named;
mod runtime;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use swit::{App, Event, Running, subscriber};

use crate::broker::Broker;

/// An event that somebody takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "note.written", version = 1)]
struct Note {
    text: String,
    author: u32,
}

fn note(text: impl Into<String>) -> Note {
    Note { text: text.into(), author: 7 }
}

/// Takes every note.
#[subscriber]
async fn takes_notes(_note: Note) {}

/// An app over a broker in the test's hands, whose queue takes every note.
async fn start(app: App) -> (Running, Arc<Broker>) {
    let broker = Broker::new("default");
    let running = app.transport(broker.clone()).start().await.unwrap();
    (running, broker)
}

/// The texts of the notes that the broker was given, in its order.
fn texts(broker: &Broker) -> Vec<String> {
    broker.payloads().iter().map(|payload| serde_json::from_str::<Note>(payload).unwrap().text).collect()
}
