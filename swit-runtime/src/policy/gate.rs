//! The gate between a subscriber's workers and its subscription: it says whether they may pull now.
//!
//! Guarantee: while it is closed no attempt begins, be it at what lies in the queue or at a retry that is due; what runs
//! already runs on. Nobody polls: whoever finds it closed waits to be told. An open gate costs one relaxed load a message.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::watch;

/// Why a gate is closed; it is open when nothing closes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Bar {
    /// Somebody paused the subscriber.
    Paused = 1,
    /// Its circuit breaker is open, or half-open with all of its probes under way.
    Breaker = 2,
    /// Its circuit breaker is open, which may last.
    Open = 4,
}

/// The bars that may stay down for long.
const LASTING: u8 = Bar::Paused as u8 | Bar::Open as u8;

/// One subscriber's gate.
#[derive(Debug)]
pub(crate) struct Gate {
    /// The bars that are down. What decides is `told`; this is the cheap way to look.
    bars: AtomicU8,
    /// The same, for those that wait.
    told: watch::Sender<u8>,
}

impl Gate {
    /// An open gate.
    pub(crate) fn new() -> Self {
        Self { bars: AtomicU8::new(0), told: watch::Sender::new(0) }
    }

    /// Whether workers may pull now. A worker on another thread may learn of a change a moment later.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.bars.load(Ordering::Relaxed) == 0
    }

    /// Pauses the subscriber by hand. False: it was paused already.
    pub(crate) fn pause(&self) -> bool {
        self.lower(Bar::Paused)
    }

    /// Ends a pause by hand. False: it was not paused.
    pub(crate) fn resume(&self) -> bool {
        self.raise(Bar::Paused)
    }

    /// Whether it is paused by hand.
    pub(crate) fn is_paused(&self) -> bool {
        self.bars.load(Ordering::Relaxed) & Bar::Paused as u8 != 0
    }

    /// Closes it for this reason, or takes this reason away.
    pub(crate) fn set(&self, bar: Bar, is_down: bool) {
        let is_set = self.bars.load(Ordering::Relaxed) & bar as u8 != 0;
        // Whoever sets a bar is the only one who does.
        if is_set != is_down {
            if is_down {
                self.lower(bar)
            } else {
                self.raise(bar)
            };
        }
    }

    /// Closes it for this reason. False: it was closed for it already.
    pub(crate) fn lower(&self, bar: Bar) -> bool {
        self.change(|bars| bars | bar as u8)
    }

    /// Takes this reason away. False: it was none.
    pub(crate) fn raise(&self, bar: Bar) -> bool {
        self.change(|bars| bars & !(bar as u8))
    }

    fn change(&self, change: impl Fn(u8) -> u8) -> bool {
        // Under the lock of the channel, so that what is seen last is what is so.
        self.told.send_if_modified(|told| {
            let before = std::mem::replace(told, change(*told));
            self.bars.store(*told, Ordering::Relaxed);
            before != *told
        })
    }

    /// Resolves when it is shut. It may be open again by then: look once more.
    pub(crate) async fn shut(&self) {
        self.becomes(|bars| bars != 0).await;
    }

    /// Resolves when it is shut for a reason that may last, also where it was shut before.
    pub(crate) async fn shut_for_long(&self) {
        self.becomes(|bars| bars & LASTING != 0).await;
    }

    /// Resolves when no reason that may last is left.
    pub(crate) async fn not_for_long(&self) {
        self.becomes(|bars| bars & LASTING == 0).await;
    }

    /// Resolves when it is open. It may be closed again by then: look once more.
    pub(crate) async fn opened(&self) {
        self.becomes(|bars| bars == 0).await;
    }

    async fn becomes(&self, is_so: impl Fn(u8) -> bool) {
        // An error would mean that the sender is gone, which is here.
        let _ = self.told.subscribe().wait_for(|bars| is_so(*bars)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_told() {
        let gate = Arc::new(Gate::new());
        gate.opened().await;
        assert!(gate.pause() && !gate.pause());
        assert!(gate.is_paused() && !gate.is_open());
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.opened().await }
        });
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(!waiting.is_finished());
        assert!(gate.resume() && !gate.resume());
        waiting.await.unwrap();
        assert!(gate.is_open() && !gate.is_paused());
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_is_told_also_where_it_was_shut_before() {
        let gate = Arc::new(Gate::new());
        gate.set(Bar::Breaker, true);
        let waiting = tokio::spawn({
            let gate = gate.clone();
            async move { gate.shut_for_long().await }
        });
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert!(!waiting.is_finished(), "probes are under way");
        gate.set(Bar::Open, true);
        waiting.await.unwrap();
        gate.set(Bar::Open, false);
        gate.not_for_long().await;
        assert!(!gate.is_open());
    }
}
