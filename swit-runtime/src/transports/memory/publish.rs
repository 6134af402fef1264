//! Publications: into all their queues at once, or into a line until there is room.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};

use super::{
    core::Core,
    line::{Wait, Waiting},
    queue::{Queue, Reserved, later},
    routes::Targets,
};
use crate::{
    error::PublishError,
    message::Message,
    transport::{Publication, Publish, Publishing, Receipt, Room, Target},
};

/// The way into a memory transport.
#[derive(Debug)]
pub(super) struct MemoryPublisher(pub(super) Arc<Core>);

impl Publish for MemoryPublisher {
    fn publish(&self, publication: Publication) -> Publishing {
        if self.0.is_closed() {
            return Publishing::ready(Err(PublishError::Closed));
        }
        let Publication { message, target, delay, room } = publication;
        match target {
            Target::Topic => self.0.routes.route(message, |targets, message| match &**targets {
                [] => Publishing::ready(Ok(Receipt::new(false))),
                [queue] => to_one(queue, Some(targets), message, delay, room),
                _ => to_all(targets, message, delay, room),
            }),
            Target::Queue(name) => match self.0.routes.queue(&name) {
                Some(queue) => to_one(&queue, None, message, delay, room),
                None => Publishing::ready(Err(PublishError::Unrouted { destination: name })),
            },
        }
    }
}

const TAKEN: Publishing = Publishing::ready(Ok(Receipt::new(true)));

/// One queue takes it: one lock, and the message is moved.
#[inline]
fn to_one(queue: &Arc<Queue>, targets: Option<&Targets>, message: Message, delay: Duration, room: Room) -> Publishing {
    let after = {
        let mut state = queue.lock();
        if state.is_closed() {
            return Publishing::ready(Err(PublishError::Closed));
        }
        if room != Room::Replaces && !queue.admits(&state) {
            drop(state);
            let targets = targets.map_or_else(|| Arc::from([Arc::clone(queue)]), Arc::clone);
            return wait(&targets, 0, message, delay, room);
        }
        state.hold();
        let message = state.spares.share(message);
        queue.put(&mut state, message, delay)
    };
    queue.finish(after);
    TAKEN
}

/// Several queues take it: it gets a place in each before it is put into any.
fn to_all(targets: &Targets, message: Message, delay: Duration, room: Room) -> Publishing {
    for (index, queue) in targets.iter().enumerate() {
        let reserved = if room == Room::Replaces { queue.reserve_anyway() } else { queue.reserve(None) };
        if reserved != Reserved::Yes {
            targets[..index].iter().for_each(Queue::release);
            return match reserved {
                Reserved::Closed => Publishing::ready(Err(PublishError::Closed)),
                _ => wait(targets, index, message, delay, room),
            };
        }
    }
    let message = Arc::new(message);
    for queue in targets.iter() {
        queue.put_reserved(message.clone(), delay);
    }
    TAKEN
}

/// There was no room in the queue `at`.
#[cold]
fn wait(targets: &Targets, at: usize, message: Message, delay: Duration, room: Room) -> Publishing {
    // The place in line is taken now, not when the answer is first awaited: order is that of publishing.
    let full = || targets[at].declared.name.clone();
    match room {
        Room::WaitAtMost(Duration::ZERO) => {
            Publishing::ready(Err(PublishError::Full { queue: full(), waited: Duration::ZERO }))
        }
        Room::WaitAtMost(most) => {
            let until = later(Instant::now(), most);
            let wait = Waiting::start(Arc::clone(targets), at, message, delay);
            Publishing::Pending(Box::pin(wait_until(wait, until, most)))
        }
        Room::Wait | Room::Replaces => {
            Publishing::Pending(Box::pin(Waiting::start(Arc::clone(targets), at, message, delay)))
        }
    }
}

async fn wait_until(mut wait: Wait, until: Instant, waited: Duration) -> Result<Receipt, PublishError> {
    match timeout_at(until, &mut wait).await {
        Ok(answer) => answer,
        Err(_) => match wait.take_back() {
            Ok(queue) => Err(PublishError::Full { queue, waited }),
            Err(answer) => answer,
        },
    }
}
