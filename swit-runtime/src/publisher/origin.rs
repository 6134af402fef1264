//! Where a publication comes from: an outlet, and the delivery under which it happens.

use std::{sync::Arc, time::Duration};

use super::{Confirmation, Outlet, port::Outgoing, turns::Turns};
use crate::{context::Link, event::Unrouted, message::Message};

/// What a publisher is, whatever its name.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    pub(super) outlet: Outlet,
    link: Option<Link>,
    turns: Option<Arc<Turns>>,
}

impl Origin {
    pub(super) fn new(outlet: Outlet, link: Option<Link>) -> Self {
        Self { turns: outlet.path.turns(), outlet, link }
    }

    #[inline]
    pub(super) fn start(&self, mut message: Message, delay: Duration, unrouted: Unrouted) -> Confirmation {
        if let Some(link) = &self.link {
            link.stamp(&mut message);
        }
        let outgoing = Outgoing { message, delay, unrouted, under_delivery: self.link.is_some() };
        self.outlet.publish(outgoing, self.turns.as_ref())
    }
}
