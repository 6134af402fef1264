//! Publishing before the service has started: what is published waits until connection and topology stand.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::transport::{Publication, Publish, Publishing};

/// The way into a transport whose queues may not be declared yet.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) port: Arc<dyn Publish>,
    /// Cancelled, which here means: opened.
    pub(super) opened: CancellationToken,
}

impl Publish for Gate {
    fn publish(&self, publication: Publication) -> Publishing {
        if self.opened.is_cancelled() {
            return self.port.publish(publication);
        }
        let (port, opened) = (self.port.clone(), self.opened.clone());
        Publishing::Pending(Box::pin(async move {
            opened.cancelled().await;
            port.publish(publication).await
        }))
    }
}
