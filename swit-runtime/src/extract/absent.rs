//! `Option<T>` of what can be absent, and `Result<T, _>` of anything.

use std::convert::Infallible;

use super::{FromDelivery, OptionalFromDelivery, Requirements};
use crate::{context::Context, event::EventDescriptor, outcome::Failure};

impl From<Infallible> for Failure {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl<T: OptionalFromDelivery> FromDelivery for Option<T> {
    type Rejection = Infallible;

    fn requires(requirements: &mut Requirements) {
        T::may_require(requirements);
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(T::from_delivery_if_present(cx).await)
    }
}

impl<T: FromDelivery> FromDelivery for Result<T, T::Rejection> {
    type Rejection = Infallible;
    const EVENTS: &'static [EventDescriptor] = T::EVENTS;
    const READS_PAYLOAD: bool = T::READS_PAYLOAD;
    const SETTLES: bool = T::SETTLES;

    const TRANSACTS: bool = T::TRANSACTS;

    fn requires(requirements: &mut Requirements) {
        T::requires(requirements);
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(T::from_delivery(cx).await)
    }
}
