//! Where a publication comes from: an outlet, and the delivery under which it happens.

use std::{sync::Arc, time::Duration};

use super::{Confirmation, Outlet, port::Outgoing, turns::Turns};
use crate::{
    context::Link,
    event::Unrouted,
    message::Message,
    store::Lease,
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
    /// The transaction that all of it belongs to, where it is not its delivery's.
    lease: Option<Arc<Lease>>,
}

impl Origin {
    pub(super) fn new(outlet: Outlet, link: Option<Link>) -> Self {
        Self { turns: outlet.path.turns(), outlet, under_delivery: link.is_some(), link, lease: None }
    }

    /// Under the delivery that this link is of, where there is one.
    pub(super) fn under(&self, link: Option<Link>) -> Self {
        Self { link, ..self.clone().under_delivery() }
    }

    /// Under deliveries, none of which it belongs to.
    pub(super) fn under_delivery(self) -> Self {
        Self { under_delivery: true, ..self }
    }

    /// In this transaction.
    pub(super) fn within(self, lease: Arc<Lease>) -> Self {
        Self { lease: Some(lease), ..self }
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
        let lease = self.lease.as_ref().or_else(|| self.link.as_ref()?.lease());
        let joined = lease.map(Lease::joined);
        let outgoing = Outgoing { message, delay, unrouted, under_delivery: self.under_delivery, pending, joined };
        self.outlet.publish(outgoing, self.turns.as_ref())
    }
}
