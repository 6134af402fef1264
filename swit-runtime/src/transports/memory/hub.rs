//! What the queues of one transport share, and do not own each other by: the timer, the quiet bell, ticket numbers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::timer::Timer;

/// Shared by all queues of a transport.
#[derive(Debug, Default)]
pub(super) struct Hub {
    pub(super) timer: std::sync::Arc<Timer>,
    pub(super) quiet: Quiet,
    numbers: AtomicU64,
}

impl Hub {
    /// A number that is higher than all before: of a waiting publication, or of a subscription.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.timer.stop();
    }
}

/// Rings when a queue became empty or lost a consumer, if anybody listens.
#[derive(Debug, Default)]
pub(super) struct Quiet {
    listeners: AtomicUsize,
    bell: Notify,
}

impl Quiet {
    /// Something changed that may have made the transport quiet.
    ///
    /// The change itself was made under a queue's lock, which a listener takes after it was counted here: either it
    /// saw the change, or this sees the listener. So relaxed loads are enough.
    #[inline]
    pub(super) fn changed(&self) {
        if self.listeners.load(Ordering::Relaxed) > 0 {
            self.bell.notify_waiters();
        }
    }

    /// Waits until `is_quiet`.
    pub(super) async fn wait(&self, is_quiet: impl Fn() -> bool + Send) {
        let _listening = Listening::new(&self.listeners);
        loop {
            let rung = self.bell.notified();
            tokio::pin!(rung);
            rung.as_mut().enable();
            if is_quiet() {
                return;
            }
            rung.await;
        }
    }
}

/// Counted while it lives, so that a cancelled wait does not leave the bell ringing for nobody.
struct Listening<'a>(&'a AtomicUsize);

impl<'a> Listening<'a> {
    fn new(listeners: &'a AtomicUsize) -> Self {
        listeners.fetch_add(1, Ordering::Relaxed);
        Self(listeners)
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
