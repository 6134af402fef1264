//! One message of a batch.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use crate::{
    context::{Context, Link, Receiver},
    headers::Headers,
    id::MessageId,
    message::Message,
    text::Text,
    transport::Delivery,
};

/// One message of a [`Batch`](super::Batch): its payload, decoded, and what is known of it.
///
/// It is used as the payload itself: `item.order_id` is the event's field.
pub struct Item<T> {
    value: T,
    /// What is seen of its delivery; the right to settle it is not here.
    delivery: Delivery,
    /// What is seen of the message where that is not the message itself: it came compressed.
    seen: Option<Arc<Message>>,
    attempt: u32,
    /// What ties publications to it; there once somebody publishes under it.
    link: OnceLock<Link>,
    receiver: Option<Arc<Receiver>>,
}

impl<T> Item<T> {
    /// An item of a value, for calling handlers directly: its first attempt, of an empty message.
    pub fn new(value: T) -> Self {
        Self { value, delivery: Delivery::empty(), seen: None, attempt: 1, link: OnceLock::new(), receiver: None }
    }

    /// The item that was taken out of the context's delivery.
    pub(crate) fn taken(value: T, cx: &mut Context) -> Self {
        let (seen, attempt) = (cx.seen().cloned(), cx.attempt());
        let receiver = Some(cx.receiver().clone());
        Self { value, delivery: cx.delivery_mut().view(), seen, attempt, link: OnceLock::new(), receiver }
    }

    /// What ties publications to it: one for all, so that they are numbered together. None of what was never delivered.
    pub(crate) fn link(&self) -> Option<Link> {
        let receiver = self.receiver.as_ref()?;
        Some(self.link.get_or_init(|| Link::of(self.delivery.message(), receiver.clone())).clone())
    }

    /// The payload.
    pub fn into_value(self) -> T {
        self.value
    }

    /// The message, decompressed.
    pub fn message(&self) -> &Message {
        self.seen.as_deref().unwrap_or_else(|| self.delivery.message())
    }

    /// The message's id.
    pub fn id(&self) -> &MessageId {
        &self.message().id
    }

    /// The topic that it was published to.
    pub fn topic(&self) -> &Text {
        &self.message().topic
    }

    /// Its key.
    pub fn key(&self) -> Option<&Text> {
        self.message().key.as_ref()
    }

    /// Its headers.
    pub fn headers(&self) -> &Headers {
        &self.message().headers
    }

    /// When it was published.
    pub fn timestamp(&self) -> Option<SystemTime> {
        self.message().timestamp
    }

    /// What it correlates with.
    pub fn correlation_id(&self) -> Option<&Text> {
        self.message().correlation_id.as_ref()
    }

    /// Which attempt at it this is, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How often it came back because a process or connection died.
    pub fn redeliveries(&self) -> u32 {
        self.delivery.redeliveries
    }
}

impl<T> Deref for Item<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Item<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Item<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Item")
            .field("id", self.id())
            .field("attempt", &self.attempt)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}
