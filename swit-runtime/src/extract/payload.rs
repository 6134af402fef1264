//! Extractors that read the payload: events, `Json<T>` and its like, raw bytes.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;

use super::FromDelivery;
use crate::{
    codec::DecodeError,
    context::Context,
    event::{Event, EventDescriptor},
    outcome::Failure,
};

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        Self::invalid_input(error)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Event> FromDelivery for E {
    type Rejection = DecodeError;
    const EVENTS: &'static [EventDescriptor] = E::DESCRIPTORS;
    const READS_PAYLOAD: bool = true;

    #[inline]
    async fn from_delivery(cx: &mut Context) -> Result<Self, DecodeError> {
        E::decode(cx.message())
    }
}

/// Wrappers that are read by one codec, whatever the message's content type says.
macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident: $feature:literal, $module:ident, $($bound:path),+;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $name<T>(pub T);

        impl<T> Deref for $name<T> {
            type Target = T;
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T> DerefMut for $name<T> {
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }

        #[cfg(feature = $feature)]
        impl<T: $($bound +)+ Send> FromDelivery for $name<T> {
            type Rejection = DecodeError;
            const READS_PAYLOAD: bool = true;

            async fn from_delivery(cx: &mut Context) -> Result<Self, DecodeError> {
                crate::codec::$module::decode(&cx.message().payload).map(Self)
            }
        }
    )* };
}

wrappers! {
    /// A JSON payload (RFC 8259) of any type, whatever the message's content type says.
    Json: "json", json, serde::de::DeserializeOwned;
    /// A MessagePack payload of any type, whatever the message's content type says. Feature `msgpack`.
    MsgPack: "msgpack", msgpack, serde::de::DeserializeOwned;
    /// A Protocol Buffers payload of any message, whatever the message's content type says. Feature `protobuf`.
    Protobuf: "protobuf", protobuf, prost::Message, Default;
}

/// The payload as it came, decompressed, shared, not copied.
impl FromDelivery for Bytes {
    type Rejection = std::convert::Infallible;
    const READS_PAYLOAD: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, std::convert::Infallible> {
        Ok(cx.message().payload.clone())
    }
}
