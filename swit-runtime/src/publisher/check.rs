//! What a message must be before it is published, and what is said of one that no queue takes.

use std::{cell::Cell, collections::HashSet, sync::Mutex};

use crate::{
    error::PublishError, event::Unrouted, headers::is_reserved, limits::Limits, message::Message, said::Shown,
    text::Text, topic::check_topic,
};

#[inline]
pub(super) fn check(message: &Message, limits: &Limits) -> Result<(), PublishError> {
    check_once(&message.topic)?;
    if message.payload.len() <= limits.payload_bytes && message.headers.is_empty() && message.key.is_none() {
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
    let with_key = size + message.key.as_ref().map_or(0, |key| key.len());
    if with_key > limits.header_bytes {
        return Err(too_large("headers and a key in bytes", with_key, limits.header_bytes));
    }
    match message.headers.iter().find(|(name, _)| is_reserved(name)) {
        Some((name, _)) => Err(PublishError::ReservedHeader { name: name.to_owned() }),
        None => Ok(()),
    }
}

/// Topics that were warned of, so that each is once. Bounded: topics may be computed from payloads.
static WARNED: Mutex<Option<HashSet<Text>>> = Mutex::new(None);
const MOST_WARNED: usize = 1_000;

#[cold]
pub(super) fn unrouted(topic: &Text, policy: Unrouted) -> Result<(), PublishError> {
    match policy {
        Unrouted::Error => Err(PublishError::Unrouted { destination: topic.clone() }),
        Unrouted::Ignore => Ok(()),
        Unrouted::Warn => {
            let mut warned = WARNED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let warned = warned.get_or_insert_default();
            if warned.len() < MOST_WARNED && warned.insert(topic.clone()) {
                tracing::warn!(
                    topic = %Shown(topic),
                    "published, but no queue takes the topic; subscribe to it, or say `unrouted = \"ignore\"` (warned once a topic)"
                );
            }
            Ok(())
        }
    }
}
