//! Walking over a queue: a consumer that takes each message once and gives back what was not wanted, each at its place.

use std::{
    collections::BTreeMap,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{MemoryTransport, subscription::MemorySubscription};
use crate::{
    error::TransportError,
    transport::{BoxFuture, Delivery, Lying, Place, SubscribeOptions, Subscription as _, Verdict, Walk, Walker},
};

impl Walker for MemoryTransport {
    fn walk<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<Option<Box<dyn Walk>>, TransportError>> {
        Box::pin(async move {
            self.core.open("look into a queue")?;
            let Some(len) = self.core.routes.queue(queue).map(|queue| queue.lying() as u64) else { return Ok(None) };
            let options = SubscribeOptions::new(queue, "walk", u32::MAX);
            let subscription = MemorySubscription::start(&self.core, &options)?;
            let walk = MemoryWalk { out: BTreeMap::new(), seen: 0, len, subscription: Arc::new(subscription) };
            Ok(Some(Box::new(walk) as Box<dyn Walk>))
        })
    }
}

/// A walk over a queue of this process.
struct MemoryWalk {
    /// What was handed out and not taken, by number: the queue's messages are in this process anyway.
    out: BTreeMap<u64, Delivery>,
    seen: u64,
    len: u64,
    subscription: Arc<MemorySubscription>,
}

impl Walk for MemoryWalk {
    fn len(&self) -> u64 {
        self.len
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Lying>, TransportError>> {
        Box::pin(async {
            if self.seen == self.len {
                return Ok(None);
            }
            // What lies ready is there at once; nothing is waited for.
            let Poll::Ready(Some(delivery)) = self.subscription.poll_next(0, &mut Context::from_waker(Waker::noop()))
            else {
                return Ok(None);
            };
            self.seen += 1;
            let lying = Lying::new(delivery.message().clone(), delivery.redeliveries, None, Place(self.seen));
            self.out.insert(self.seen, delivery);
            Ok(Some(lying))
        })
    }

    fn take<'a>(&'a mut self, place: &'a Place) -> BoxFuture<'a, Result<(), TransportError>> {
        if let Some(delivery) = self.out.remove(&place.0) {
            delivery.settle(Verdict::Ack);
        }
        Box::pin(async { Ok(()) })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), TransportError>> {
        for delivery in self.out.into_values() {
            delivery.settle(Verdict::Requeue);
        }
        self.subscription.close();
        Box::pin(async { Ok(()) })
    }
}
