//! Admission: whether a delivery reaches the handler, and as what.
//!
//! Guarantee: nothing that is beyond the limits, of another type or encoding, or that keeps killing its process comes as far
//! as a handler.

use std::{panic::catch_unwind, sync::Arc};

use super::{Plan, copies, plan::CRASH_LIMIT, policy::reasons};
use crate::{
    codec::{Codec, DecodeError},
    compression,
    message::Message,
    outcome::{Failure, FailureKind},
    text::Text,
    transport::Delivery,
};

/// Whether a delivery reaches the handler.
pub(super) enum Admission {
    Yes,
    /// As this message: its body came compressed, or it did not say its content type.
    As(Arc<Message>),
    /// Another event type than the subscriber's.
    Filtered,
    /// Given up before the handler, for this reason.
    Refused(Text, Failure),
}

impl Admission {
    #[inline]
    pub(super) fn of(plan: &Plan, delivery: &Delivery) -> Self {
        let (message, limits) = (delivery.message(), plan.scope.limits());
        let usual = delivery.redeliveries < CRASH_LIMIT
            && message.payload.len() <= limits.payload_bytes
            && message.headers.is_empty()
            && message.content_encoding.is_none()
            && plan.event.is_none()
            && plan.codec.is_none();
        if usual { Self::Yes } else { Self::look_closer(plan, delivery) }
    }

    fn look_closer(plan: &Plan, delivery: &Delivery) -> Self {
        let (message, limits) = (delivery.message(), plan.scope.limits());
        if let Some(event) = &plan.event
            && message.event_type.as_ref() != Some(event)
        {
            return Self::Filtered;
        }
        if delivery.redeliveries >= CRASH_LIMIT {
            let text = format!("came back {} times without being settled", delivery.redeliveries);
            return Self::Refused(reasons::DELIVERY_LIMIT, Failure::new(FailureKind::Handler, text));
        }
        let too_large = |what, size: usize, limit: usize| {
            let text = format!("the message has {what} of {size}, the limit is {limit}");
            Self::Refused(reasons::INVALID_INPUT, Failure::invalid_input(text))
        };
        if message.payload.len() > limits.payload_bytes {
            return too_large("a payload in bytes", message.payload.len(), limits.payload_bytes);
        }
        // What settlement added to a copy is not held against it: the sender kept to the limits.
        let senders = message.headers.iter().filter(|(name, _)| !copies::adds(name));
        let (headers, bytes) =
            senders.fold((0, 0), |(count, bytes), (name, value)| (count + 1, bytes + name.len() + value.size()));
        if headers > limits.headers {
            return too_large("a number of headers", headers, limits.headers);
        }
        if bytes > limits.header_bytes {
            return too_large("headers in bytes", bytes, limits.header_bytes);
        }
        if let (Some(codec), Some(content_type)) = (plan.codec, &message.content_type)
            && Codec::of(content_type) != Some(codec)
        {
            let error = DecodeError::ContentType {
                content_type: content_type.to_string(),
                event_type: "the subscriber",
                accepted: codec.content_type().to_owned(),
            };
            return Self::Refused(reasons::INVALID_INPUT, Failure::invalid_input(error));
        }
        match seen(plan, message) {
            Ok(None) => Self::Yes,
            Ok(Some(seen)) => Self::As(Arc::new(seen)),
            Err(failure) => Self::Refused(reasons::INVALID_INPUT, failure),
        }
    }
}

/// What middleware and handler see of a message where it is not the message itself. Made anew for each attempt that is
/// delivered, so that what waits for its retry waits compressed.
fn seen(plan: &Plan, message: &Message) -> Result<Option<Message>, Failure> {
    let limit = plan.scope.limits().decompressed_bytes;
    // Outside of the guard, and decoders are many: one that panics must not look like a process that died.
    let decoded = catch_unwind(|| compression::decode(message, limit))
        .map_err(|_| Failure::invalid_input("the decoder of its content encoding panicked over the body"))?;
    let mut seen = decoded.map_err(Failure::invalid_input)?;
    if let (Some(codec), None) = (plan.codec, &message.content_type) {
        let seen = seen.get_or_insert_with(|| message.clone());
        seen.content_type = Some(Text::from_static(codec.content_type()));
    }
    Ok(seen)
}
