//! What lies in the queues.

use super::core::Core;
use crate::{
    message::Message,
    text::Text,
    transport::{BoxFuture, Inspect},
};

impl Core {
    /// Whether there was a moment between call and return at which no consumed queue held anything.
    ///
    /// Queues are looked at one after the other, and a message that moves from one not yet seen to one already seen
    /// would be missed. So they are looked at twice: if all were empty both times and nothing was put into any in
    /// between, all were empty at the moment between the two looks.
    fn is_quiet(&self) -> bool {
        let look = || {
            let mut puts = 0_u64;
            for queue in self.routes.all() {
                let (busy, put) = queue.activity();
                if busy {
                    return None;
                }
                puts = puts.wrapping_add(put);
            }
            Some(puts)
        };
        look().is_some_and(|first| look() == Some(first))
    }
}

impl Inspect for Core {
    fn depth(&self, queue: &str) -> Option<usize> {
        self.routes.queue(queue).map(|queue| queue.depth())
    }

    fn browse(&self, queue: &str, limit: usize) -> Vec<Message> {
        self.routes.queue(queue).map(|queue| queue.browse(limit)).unwrap_or_default()
    }

    fn queues(&self) -> Vec<Text> {
        self.routes.all().iter().map(|queue| queue.declared.name.clone()).collect()
    }

    fn quiet(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.hub.quiet.wait(|| self.is_quiet()))
    }
}
