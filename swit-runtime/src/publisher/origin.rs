//! Where a publication comes from: an outlet, and the delivery under which it happens.

use std::{sync::Arc, time::Duration};

use super::{Confirmation, Outlet, port::Outgoing, turns::Turns};
use crate::{
    context::Link,
    event::Unrouted,
    message::Message,
    trace::{Pending, Under},
};

/// What a publisher is, whatever its name.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) outlet: Outlet,
    link: Option<Link>,
    /// It must not wait for room as long as it takes: a delivery waits for it.
    under_delivery: bool,
    turns: Option<Arc<Turns>>,
}

impl Origin {
    pub(super) fn new(outlet: Outlet, link: Option<Link>) -> Self {
        Self { turns: outlet.path.turns(), outlet, under_delivery: link.is_some(), link }
    }

    /// Under the delivery that this link is of, where there is one.
    pub(super) fn under(&self, link: Option<Link>) -> Self {
        Self { link, ..self.clone().under_delivery() }
    }

    /// Under deliveries, none of which it belongs to.
    pub(super) fn under_delivery(self) -> Self {
        Self { under_delivery: true, ..self }
    }

    #[inline]
    fn trace(&self, message: &mut Message) -> Option<Box<dyn Pending>> {
        let path = &self.outlet.path;
        if path.is_traced() {
            return path.trace(message, self.link.as_ref().map_or_else(Under::default, Link::under));
        }
        if let Some(link) = &self.link {
            link.forward(message);
        }
        None
    }

    #[inline]
    pub(super) fn start(&self, mut message: Message, delay: Duration, unrouted: Unrouted) -> Confirmation {
        if let Some(link) = &self.link {
            link.stamp(&mut message);
        }
        let pending = self.trace(&mut message);
        let outgoing = Outgoing { message, delay, unrouted, under_delivery: self.under_delivery, pending };
        self.outlet.publish(outgoing, self.turns.as_ref())
    }
}
