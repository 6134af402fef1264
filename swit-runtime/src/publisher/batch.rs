//! Batching: publications are held back and handed to the transport together.
//!
//! Guarantee: they go out in the order in which they were held, and each is answered for itself. The one that waits
//! longest waits [`Batching::every`] and no longer; what is held when the service shuts down goes out then.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::{
    flight::Flight,
    port::{Outgoing, Port},
};
use crate::registry::Batching;

/// Publications that are held back.
pub(super) struct Batch {
    port: Port,
    limits: Batching,
    confirm: Option<Duration>,
    held: Mutex<Held>,
    /// There is a first publication to keep time for, or no more time to keep.
    begun: Notify,
}

#[derive(Default)]
struct Held {
    publications: Vec<(Arc<Flight>, Outgoing)>,
    bytes: usize,
    /// When they go out at the latest; there while something is held.
    due: Option<Instant>,
    /// How many want nothing to be held back: while somebody flushes, and for ever once closed.
    urgent: usize,
    closed: bool,
}

impl Batch {
    fn new(port: Port, limits: Batching, confirm: Option<Duration>) -> Arc<Self> {
        Arc::new(Self { port, limits, confirm, held: Mutex::default(), begun: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a publication back until its batch is full or due.
    pub(super) fn hold(&self, flight: Arc<Flight>, outgoing: Outgoing) {
        let mut held = self.lock();
        held.bytes += outgoing.message.payload.len() + outgoing.message.headers.size();
        held.publications.push((flight, outgoing));
        let full = held.publications.len() >= self.messages() || held.bytes >= self.limits.bytes;
        if full || held.urgent > 0 || held.closed {
            self.hand_over(&mut held);
        } else if held.due.is_none() {
            held.due = Some(Instant::now() + self.limits.every);
            drop(held);
            self.begun.notify_one();
        }
    }

    /// Under the lock, so that no other batch overtakes. The transport answers later or at once, but does not wait here.
    fn hand_over(&self, held: &mut Held) {
        held.bytes = 0;
        held.due = None;
        if let Some(published) = &self.port.home.published {
            published.batch(held.publications.iter().map(|(_, outgoing)| &outgoing.message.topic));
        }
        for (flight, outgoing) in held.publications.drain(..) {
            flight.go(self.port.send(outgoing, self.confirm));
        }
    }

    /// Hands over what is held, and holds nothing back until the guard is dropped.
    pub(super) fn hurry(self: &Arc<Self>) -> Hurry {
        let mut held = self.lock();
        held.urgent += 1;
        self.hand_over(&mut held);
        drop(held);
        Hurry(self.clone())
    }

    /// Most publications of one batch.
    pub(super) fn messages(&self) -> usize {
        self.limits.messages as usize
    }

    /// How many are held.
    pub(super) fn held(&self) -> usize {
        self.lock().publications.len()
    }

    /// Keeps time for whatever is held, until it is closed.
    async fn keep(self: Arc<Self>) {
        loop {
            let (due, closed) = {
                let held = self.lock();
                (held.due, held.closed)
            };
            match due {
                _ if closed => return,
                None => self.begun.notified().await,
                Some(due) => {
                    tokio::select! {
                        () = sleep_until(due) => {}
                        () = self.begun.notified() => {}
                    }
                    let mut held = self.lock();
                    // It may have gone out by number meanwhile, and what is held now may be due later.
                    if held.due.is_some_and(|due| due <= Instant::now()) {
                        self.hand_over(&mut held);
                    }
                }
            }
        }
    }

    fn close(&self) {
        let mut held = self.lock();
        held.closed = true;
        self.hand_over(&mut held);
        drop(held);
        self.begun.notify_one();
    }
}

/// While it lives, nothing is held back.
pub(super) struct Hurry(Arc<Batch>);

impl Drop for Hurry {
    fn drop(&mut self) {
        self.0.lock().urgent -= 1;
    }
}

/// A batch and its keeper, which ends with it.
pub(super) struct Kept(Arc<Batch>);

impl Kept {
    pub(super) fn new(port: Port, limits: Batching, confirm: Option<Duration>) -> Self {
        let batch = Batch::new(port, limits, confirm);
        batch.port.home.run(Box::pin(keep_until_closing(batch.clone())));
        Self(batch)
    }

    pub(super) fn batch(&self) -> &Arc<Batch> {
        &self.0
    }
}

async fn keep_until_closing(batch: Arc<Batch>) {
    let closing = batch.port.home.closing.clone();
    tokio::select! {
        () = batch.clone().keep() => {}
        () = closing.cancelled() => batch.close(),
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("limits", &self.0.limits).field("held", &self.0.held()).finish_non_exhaustive()
    }
}
