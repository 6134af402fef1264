//! The last step: a checked message goes to the transport, and its answer is read.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    CONFIRM_TIMEOUT,
    check::unrouted,
    flight::{Answer, Sent},
    gate::Gate,
    home::Home,
};
use crate::{
    event::Unrouted,
    message::Message,
    store::Joined,
    trace::{self, Pending},
    transport::{Publication, Publish, Publishing, Room, Target},
};

/// The way into a transport, which may not have opened yet.
#[derive(Debug, Clone)]
pub(super) struct Port {
    pub(super) home: Arc<Home>,
    open: Arc<dyn Publish>,
    early: Arc<Gate>,
}

/// A message with what is wanted of its publication.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) message: Message,
    /// Not before this long from now.
    pub(crate) delay: Duration,
    /// What happens where no queue takes it.
    pub(crate) unrouted: Unrouted,
    /// Published under a delivery, which must not wait for ever: it could wait for itself.
    pub(crate) under_delivery: bool,
    /// Its span, where it is recorded.
    pub(crate) pending: Option<Box<dyn Pending>>,
    /// The transaction that it belongs to: it goes there, and nowhere else.
    pub(crate) joined: Option<Joined>,
}

impl Port {
    pub(super) fn new(home: Arc<Home>, port: Arc<dyn Publish>) -> Self {
        let early = Arc::new(Gate { port: port.clone(), opened: home.opened.clone() });
        Self { home, open: port, early }
    }

    /// Hands a message over, and waits at most `confirm` for room and then for the confirmation.
    ///
    /// # Errors
    /// The answer, where it is there at once.
    #[inline]
    pub(super) fn send(&self, outgoing: Outgoing, confirm: Option<Duration>) -> Result<Sent, Answer> {
        let Outgoing { message, delay, unrouted: policy, under_delivery, pending, joined: _ } = outgoing;
        let within = confirm.or(under_delivery.then_some(CONFIRM_TIMEOUT));
        let room = within.map_or(Room::Wait, Room::WaitAtMost);
        let (id, topic) = (message.id.clone(), message.topic.clone());
        let publication = Publication { message, target: Target::Topic, delay, room };
        let publishing =
            if self.home.is_open() { self.open.publish(publication) } else { self.early.publish(publication) };
        match publishing {
            Publishing::Done(answer) => {
                let answer = answer.unwrap_or(Err(crate::error::PublishError::Closed)).and_then(|receipt| {
                    if !receipt.routed {
                        self.home.unrouted(&topic);
                        unrouted(&topic, policy)?;
                    }
                    Ok(id)
                });
                trace::answer(pending, &answer);
                Err(answer)
            }
            // Taken after the transport took its own: where there is no room, its answer, which is the clearer one, comes
            // first.
            Publishing::Pending(receipt) => {
                let until = within.map(|within| (Instant::now() + within, within));
                let home = self.home.clone();
                Ok(Sent { id, topic, unrouted: policy, home, receipt, until, timer: None, pending })
            }
        }
    }
}
