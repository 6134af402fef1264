//! An event on its way out, with more than its type says.

use std::time::Duration;

use super::{Confirmation, Origin};
use crate::{error::PublishError, event::Unrouted, headers::HeaderValue, id::MessageId, message::Message, text::Text};

/// An event on its way out, with a key, headers, a delay, a time to live or a priority of its own.
#[derive(Debug)]
#[must_use = "nothing is published before `send`"]
pub struct Sending<'a> {
    origin: &'a Origin,
    message: Result<Message, PublishError>,
    delay: Duration,
    unrouted: Unrouted,
}

impl<'a> Sending<'a> {
    pub(super) fn new(origin: &'a Origin, message: Result<Message, PublishError>, unrouted: Unrouted) -> Self {
        Self { origin, message, delay: Duration::ZERO, unrouted }
    }

    fn with(mut self, change: impl FnOnce(&mut Message)) -> Self {
        if let Ok(message) = &mut self.message {
            change(message);
        }
        self
    }

    /// Under this id.
    pub fn id(self, id: MessageId) -> Self {
        self.with(|message| message.id = id)
    }

    /// With this key.
    pub fn key(self, key: impl Into<Text>) -> Self {
        self.with(|message| message.key = Some(key.into()))
    }

    /// With this header.
    pub fn header(self, name: impl Into<Text>, value: impl Into<HeaderValue>) -> Self {
        self.with(|message| {
            message.headers.insert(name, value);
        })
    }

    /// Not before this long from now.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Dropped after it has waited this long in a queue.
    pub fn ttl(self, ttl: Duration) -> Self {
        self.with(|message| message.ttl = Some(ttl))
    }

    /// With this priority, 0 to 9.
    pub fn priority(self, priority: u8) -> Self {
        self.with(|message| message.priority = priority.min(9))
    }

    /// With this correlation id.
    pub fn correlation_id(self, id: impl Into<Text>) -> Self {
        self.with(|message| message.correlation_id = Some(id.into()))
    }

    /// Publishes; as [`Publisher::publish`](super::Publisher::publish).
    pub fn send(self) -> Confirmation {
        match self.message {
            Ok(message) => self.origin.start(message, self.delay, self.unrouted),
            Err(error) => Confirmation::refused(error),
        }
    }
}
