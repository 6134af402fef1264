//! `tail TOPIC`: prints messages as they come, a JSON object a line.
//!
//! It consumes through a queue of its own that goes away with it, so it takes nothing from anybody. On a transport that
//! lives in this process the service runs along. Payloads are shown decompressed.

use std::{future::poll_fn, sync::Arc};

use super::{TailCommand, execute::print};
use crate::{
    app::{App, builder::Part, logging, run::Signals},
    compression,
    error::Result,
    id::MessageId,
    limits::Limits,
    message::Message,
    pipeline::rfc3339,
    text::Text,
    transport::{Queue, SubscribeOptions, Subscription, Verdict},
};

/// How many messages are held at once.
const PREFETCH: u32 = 100;

pub(super) async fn tail(app: App, command: TailCommand) -> Result<()> {
    logging::of_command(&app.layers);
    let mut signals = Signals::listen()?;
    let mut app = app;
    app.part = Part::Visitor;
    // In containers all processes have the same number.
    let queue = Text::from(format!("swit.tail.{}", MessageId::new(app.clock.now())));
    // Declared with all others, so that nothing is missed that is published at once.
    app.queues.push(Queue::subscriber(queue.clone(), [Text::from(command.pattern.clone())]).with_exclusive());
    let running = app.start().await?;
    let mut subscriptions = Vec::new();
    for transport in running.transports() {
        let queue = queue.clone();
        subscriptions.push(transport.subscribe(SubscribeOptions::new(queue, "tail", PREFETCH)).await?);
    }
    let printed = tokio::select! {
        printed = follow(&subscriptions, command.count) => printed,
        _ = signals.next() => Ok(()),
    };
    for subscription in &subscriptions {
        subscription.close();
    }
    drop(subscriptions);
    running.shutdown().await?;
    printed
}

async fn follow(subscriptions: &[Arc<dyn Subscription>], count: Option<u64>) -> Result<()> {
    let mut seen = 0;
    while count.is_none_or(|count| seen < count) {
        let next = poll_fn(|task| {
            for subscription in subscriptions {
                if let std::task::Poll::Ready(next) = subscription.poll_next(0, task) {
                    return std::task::Poll::Ready(next);
                }
            }
            std::task::Poll::Pending
        });
        let Some(delivery) = next.await else { break };
        // What can't be decompressed is shown as it came.
        let plain = compression::decode(delivery.message(), Limits::DEFAULT.decompressed_bytes).ok().flatten();
        print(&line(plain.as_ref().unwrap_or(delivery.message())))?;
        delivery.settle(Verdict::Ack);
        seen += 1;
    }
    Ok(())
}

/// A message on one line; a payload that is not text is shown escaped.
#[cfg(feature = "json")]
fn line(message: &Message) -> String {
    let payload = match std::str::from_utf8(&message.payload) {
        Ok(text) => text.to_owned(),
        Err(_) => message.payload.escape_ascii().to_string(),
    };
    let headers: serde_json::Map<_, _> =
        message.headers.iter().map(|(name, value)| (name.to_owned(), value.to_string().into())).collect();
    let object = serde_json::json!({
        "id": message.id.to_string(),
        "topic": message.topic.as_str(),
        "key": message.key.as_deref(),
        "event_type": message.event_type.as_deref(),
        "timestamp": message.timestamp.map(rfc3339),
        "headers": headers,
        "payload": payload,
    });
    format!("{object}\n")
}

#[cfg(not(feature = "json"))]
fn line(message: &Message) -> String {
    let time = message.timestamp.map(rfc3339).unwrap_or_default();
    format!("{time} {} {} {}\n", message.id, message.topic, message.payload.escape_ascii())
}
