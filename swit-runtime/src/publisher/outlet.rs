//! The outlet of a publisher: its path, and the queue before it where it is asynchronous.

use std::sync::Arc;

use super::{Confirmation, background::Background, path::Path, port::Outgoing, turns::Turns};

/// The outlet of a publisher.
#[derive(Debug, Clone)]
pub struct Outlet {
    pub(crate) path: Arc<Path>,
    pub(super) background: Option<Arc<Background>>,
}

impl Outlet {
    #[inline]
    pub(super) fn publish(&self, outgoing: Outgoing, turns: Option<&Arc<Turns>>) -> Confirmation {
        match &self.background {
            // What belongs to a transaction is with it at once.
            Some(background) if outgoing.joined.is_none() => background.take_in(&self.path, outgoing),
            _ => self.path.publish(outgoing, turns),
        }
    }

    /// Whether anything is counted for the metrics page.
    pub(crate) fn counts(&self) -> bool {
        self.path.home().published.is_some()
    }

    /// Hands over what is held back, then waits until everything that was started until now is answered.
    pub(super) async fn flush(&self) {
        let _hurry = self.path.hurry();
        let flights = self.path.outstanding();
        if let Some(background) = &self.background {
            background.progress().caught_up().await;
        }
        for flight in flights {
            flight.landed().await;
        }
    }
}
