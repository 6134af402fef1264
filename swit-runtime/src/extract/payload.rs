//! Extractors that read the payload: events, `Json<T>` and raw bytes.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;
#[cfg(feature = "json")]
use serde::de::DeserializeOwned;

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

/// A JSON payload (RFC 8259) of any type, whatever the message's content type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Json<T>(pub T);

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Json<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(feature = "json")]
impl<T: DeserializeOwned + Send> FromDelivery for Json<T> {
    type Rejection = DecodeError;
    const READS_PAYLOAD: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, DecodeError> {
        crate::codec::Codec::Json.decode(&cx.message().payload).map(Self)
    }
}

/// The payload as it came, shared, not copied.
impl FromDelivery for Bytes {
    type Rejection = std::convert::Infallible;
    const READS_PAYLOAD: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, std::convert::Infallible> {
        Ok(cx.message().payload.clone())
    }
}
