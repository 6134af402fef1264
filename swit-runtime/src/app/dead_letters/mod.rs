//! Dead letters, looked at and dealt with: what the command `dlq` does, as a library.
//!
//! ```ignore
//! let letters = running.dead_letters("default").expect("it can walk over queues");
//! let replayed = letters.replay("orders.confirm.dlq", &Selection::all().reason("permanent"), |_| {}).await?;
//! ```
//!
//! Guarantees:
//! - looking takes nothing: what was not selected goes back, in its order;
//! - a replay publishes each copy to the queue that the message died in, never to an exchange of events, and takes the dead
//!   letter only once the broker has confirmed the copy: a crash leaves at most a duplicate with the same id, never a loss;
//! - whatever is done ends: it goes no further than what lay in the queue when it began.

mod letter;
mod purge;
mod read;
mod replay;
mod selection;

use std::fmt;

pub use letter::Letter;
pub use purge::Purged;
pub use read::Summary;
pub use replay::{Kept, Replayed};
pub use selection::Selection;

use crate::{
    clock::Clock,
    error::{Result, TransportError},
    transport::{Transport, Walk, Walker},
};

/// The dead letters of one transport.
#[derive(Clone)]
pub struct DeadLetters<'a> {
    transport: &'a dyn Transport,
    walker: &'a dyn Walker,
    clock: Clock,
}

impl<'a> DeadLetters<'a> {
    /// Those of a transport, if it can walk over its queues.
    pub fn of(transport: &'a dyn Transport, clock: Clock) -> Option<Self> {
        Some(Self { transport, walker: transport.walker()?, clock })
    }

    /// How many messages lie in a queue, `None` if there is no such queue.
    ///
    /// # Errors
    /// The broker can't be asked.
    pub async fn count(&self, queue: &str) -> Result<Option<u64>> {
        let Some(walk) = self.walker.walk(queue).await? else { return Ok(None) };
        let count = walk.len();
        walk.finish().await?;
        Ok(Some(count))
    }

    async fn walk(&self, queue: &str) -> Result<Box<dyn Walk>> {
        let missing = || {
            let reason = format!("the queue `{queue}` does not exist; correct its name, or start the service once");
            TransportError::new(self.transport.name(), "look into a queue", reason)
        };
        Ok(self.walker.walk(queue).await?.ok_or_else(missing)?)
    }
}

impl fmt::Debug for DeadLetters<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeadLetters").field("transport", &self.transport.name()).finish_non_exhaustive()
    }
}
