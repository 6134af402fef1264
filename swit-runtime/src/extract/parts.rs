//! Extractors of everything in a delivery but its payload: metadata, headers, extensions.

use std::{convert::Infallible, ops::Deref, time::SystemTime};

use super::{FromDelivery, OptionalFromDelivery};
use crate::{
    classify::Class,
    context::Context,
    headers::Headers,
    id::MessageId,
    outcome::{Failure, FailureKind},
    text::Text,
};

/// What is known of a message besides its payload and headers.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// The message's id.
    pub id: MessageId,
    /// The topic that it was published to.
    pub topic: Text,
    /// Its key.
    pub key: Option<Text>,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// How often it came back because a process or connection died.
    pub redeliveries: u32,
    /// When it was published.
    pub timestamp: Option<SystemTime>,
    /// Its event type.
    pub event_type: Option<Text>,
    /// Its event type's version; 0 where nothing is said.
    pub version: u32,
    /// What it correlates with.
    pub correlation_id: Option<Text>,
    /// The message whose handling published it.
    pub causation_id: Option<MessageId>,
    /// Where an answer is expected.
    pub reply_to: Option<Text>,
    /// The subscriber that handles it.
    pub subscriber: Text,
    /// The subscriber's consumer group.
    pub group: Text,
}

impl FromDelivery for Metadata {
    type Rejection = Infallible;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        let (message, receiver) = (cx.message(), cx.receiver());
        Ok(Self {
            id: message.id.clone(),
            topic: message.topic.clone(),
            key: message.key.clone(),
            attempt: cx.attempt(),
            redeliveries: cx.redeliveries(),
            timestamp: message.timestamp,
            event_type: message.event_type.clone(),
            version: message.version,
            correlation_id: message.correlation_id.clone(),
            causation_id: message.causation_id.clone(),
            reply_to: message.reply_to.clone(),
            subscriber: receiver.subscriber.clone(),
            group: receiver.group.clone(),
        })
    }
}

/// The message's headers, shared, not copied.
impl FromDelivery for Headers {
    type Rejection = Infallible;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(cx.headers().clone())
    }
}

/// The message's id.
impl FromDelivery for MessageId {
    type Rejection = Infallible;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(cx.message().id.clone())
    }
}

/// A copy of what middleware put into the context under this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extension<T>(pub T);

impl<T> Deref for Extension<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Send + Sync + 'static> FromDelivery for Extension<T> {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        cx.extension().cloned().map(Self).ok_or_else(|| {
            let text = format!("no middleware put a `{}` into the context", std::any::type_name::<T>());
            Failure::new(FailureKind::Extract, text).with_class(Class::Permanent)
        })
    }
}

impl<T: Clone + Send + Sync + 'static> OptionalFromDelivery for Extension<T> {
    async fn from_delivery_if_present(cx: &mut Context) -> Option<Self> {
        cx.extension().cloned().map(Self)
    }
}
