//! What the transport, its publishers and its subscriptions share.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{MemoryOptions, hub::Hub, routes::Routes};
use crate::{error::TransportError, text::Text};

/// Everything of one memory transport.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) name: Text,
    pub(super) options: MemoryOptions,
    pub(super) routes: Routes,
    pub(super) hub: Arc<Hub>,
    closed: AtomicBool,
}

impl Core {
    pub(super) fn new(name: Text, options: MemoryOptions) -> Self {
        Self { name, options, routes: Routes::default(), hub: Arc::default(), closed: AtomicBool::new(false) }
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// An error if the transport is closed.
    pub(super) fn open(&self, operation: &'static str) -> Result<(), TransportError> {
        if self.is_closed() { Err(self.error(operation, "the transport is closed; make a new one")) } else { Ok(()) }
    }

    pub(super) fn error(&self, operation: &'static str, reason: impl Into<String>) -> TransportError {
        TransportError::new(self.name.clone(), operation, reason)
    }

    /// Closes everything: publishers are refused, subscriptions end, the timer stops.
    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        for queue in self.routes.all() {
            queue.close();
        }
        if let Some(task) = self.hub.timer.stop() {
            // Aborted; it can't fail otherwise.
            let _ = task.await;
        }
    }
}
