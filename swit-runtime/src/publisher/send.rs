//! The one way out: checks a message, gives it id and time, hands it to the port, reads the answer.

use std::{
    cell::Cell,
    collections::HashSet,
    mem,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::task::coop::{Coop, cooperative};

use super::Publisher;
use crate::{
    clock::Clock,
    error::PublishError,
    event::Unrouted,
    headers::HeaderValue,
    id::MessageId,
    limits::Limits,
    message::Message,
    text::Text,
    topic::check_topic,
    transport::{Publication, Publish, Publishing, Room, Target},
};

/// A publication that has started: awaited, it says what the broker confirmed.
///
/// Dropping it takes nothing back that the transport has: it only gives up learning what became of it. What still waits,
/// for room or for the service to start, is taken back, so that nothing piles up behind whoever does not wait.
#[must_use = "what is not awaited may have failed"]
#[derive(Debug)]
pub struct Confirmation(State);

#[derive(Debug)]
enum State {
    Refused(Option<PublishError>),
    // An answer that is there at once must not let a publisher in a loop keep everybody else from running: awaiting it
    // spends tokio's cooperative budget.
    Started { id: MessageId, topic: Text, unrouted: Unrouted, publishing: Coop<Publishing> },
}

impl Confirmation {
    pub(crate) const fn refused(error: PublishError) -> Self {
        Self(State::Refused(Some(error)))
    }
}

impl Future for Confirmation {
    type Output = Result<MessageId, PublishError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.get_mut().0 {
            // Polled again after it answered, which a future's contract forbids: nothing sensible is left to say.
            State::Refused(error) => Poll::Ready(Err(error.take().unwrap_or(PublishError::Closed))),
            State::Started { id, topic, unrouted: policy, publishing } => {
                let receipt = ready!(Pin::new(publishing).poll(task))?;
                if !receipt.routed {
                    unrouted(topic, *policy)?;
                }
                Poll::Ready(Ok(mem::take(id)))
            }
        }
    }
}

/// Starts to publish a message to its topic.
#[inline]
pub(crate) fn publish_message(
    port: &dyn Publish,
    clock: &Clock,
    limits: &Limits,
    mut message: Message,
    delay: Duration,
    room: Room,
    unrouted: Unrouted,
) -> Confirmation {
    if let Err(error) = check(&message, limits) {
        return Confirmation::refused(error);
    }
    let now = clock.now();
    if message.id.is_empty() {
        message.id = MessageId::new(now);
    }
    message.timestamp.get_or_insert(now);
    let (id, topic) = (message.id.clone(), message.topic.clone());
    let publishing = port.publish(Publication { message, target: Target::Topic, delay, room });
    Confirmation(State::Started { id, topic, unrouted, publishing: cooperative(publishing) })
}

#[inline]
fn check(message: &Message, limits: &Limits) -> Result<(), PublishError> {
    check_once(&message.topic)?;
    if message.payload.len() <= limits.payload_bytes && message.headers.is_empty() {
        return Ok(());
    }
    check_sizes(message, limits)
}

/// Checks a topic. A literal that was checked last, by this thread, is not checked again: it can't have changed.
#[inline]
fn check_once(topic: &Text) -> Result<(), PublishError> {
    thread_local! {
        static LAST: Cell<&'static str> = const { Cell::new("") };
    }
    let literal = topic.as_static().unwrap_or_default();
    if !literal.is_empty() && std::ptr::eq(LAST.get(), literal) {
        return Ok(());
    }
    check_topic(topic).map_err(PublishError::Topic)?;
    LAST.set(literal);
    Ok(())
}

fn check_sizes(message: &Message, limits: &Limits) -> Result<(), PublishError> {
    let too_large = |what, size, limit| PublishError::TooLarge { topic: message.topic.clone(), what, size, limit };
    if message.payload.len() > limits.payload_bytes {
        return Err(too_large("a payload in bytes", message.payload.len(), limits.payload_bytes));
    }
    if message.headers.len() > limits.headers {
        return Err(too_large("a number of headers", message.headers.len(), limits.headers));
    }
    let size = message.headers.size();
    if size > limits.header_bytes {
        return Err(too_large("headers in bytes", size, limits.header_bytes));
    }
    match message.headers.iter().find(|(name, _)| name.starts_with("x-swit-")) {
        Some((name, _)) => Err(PublishError::ReservedHeader { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// Topics that were warned of, so that each is once. Bounded: topics may be computed from payloads.
static WARNED: Mutex<Option<HashSet<Text>>> = Mutex::new(None);
const MOST_WARNED: usize = 1_000;

#[cold]
fn unrouted(topic: &Text, policy: Unrouted) -> Result<(), PublishError> {
    match policy {
        Unrouted::Error => Err(PublishError::Unrouted { destination: topic.clone() }),
        Unrouted::Ignore => Ok(()),
        Unrouted::Warn => {
            let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let warned = warned.get_or_insert_default();
            if warned.len() < MOST_WARNED && warned.insert(topic.clone()) {
                tracing::warn!(
                    %topic,
                    "published, but no queue takes the topic; subscribe to it, or say `unrouted = \"ignore\"` (warned once a topic)"
                );
            }
            Ok(())
        }
    }
}

/// An event on its way out, with a key, headers, a delay, a time to live or a priority of its own.
#[derive(Debug)]
#[must_use = "nothing is published before `send`"]
pub struct Sending<'a> {
    publisher: &'a Publisher,
    message: Result<Message, PublishError>,
    delay: Duration,
    unrouted: Unrouted,
}

impl<'a> Sending<'a> {
    pub(super) fn new(publisher: &'a Publisher, message: Result<Message, PublishError>, unrouted: Unrouted) -> Self {
        Self { publisher, message, delay: Duration::ZERO, unrouted }
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

    /// Publishes; as [`Publisher::publish`].
    pub fn send(self) -> Confirmation {
        match self.message {
            Ok(message) => self.publisher.start(message, self.delay, self.unrouted),
            Err(error) => Confirmation::refused(error),
        }
    }
}
