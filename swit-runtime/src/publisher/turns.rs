//! Order behind middleware that waits: publications of one publisher go out in the order in which they were made.
//!
//! Middleware of several publications runs at the same time; whoever is done earlier waits here for those before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

/// Hands out turns.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The number of the next turn that is taken.
    next: u64,
    /// The number whose turn it is.
    now: u64,
    /// Numbers after `now` that are done with.
    passed: BTreeSet<u64>,
    waiting: BTreeMap<u64, Waker>,
}

/// A place in the order. Dropping it lets the next one go.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Turns {
    pub(super) fn take(self: &Arc<Self>) -> Turn {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        drop(state);
        Turn { turns: self.clone(), number }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Waits until everything before is done with. Cancel-safe.
    pub(super) async fn comes(&self) {
        poll_fn(|task| {
            let mut state = self.turns.lock();
            if state.now >= self.number {
                return Poll::Ready(());
            }
            state.waiting.insert(self.number, task.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Done with: the next one may go.
    pub(super) fn pass(&self) {
        let mut state = self.turns.lock();
        if self.number < state.now {
            return;
        }
        state.passed.insert(self.number);
        loop {
            let now = state.now;
            if !state.passed.remove(&now) {
                break;
            }
            state.now += 1;
        }
        state.waiting.remove(&self.number);
        let now = state.now;
        let next = state.waiting.remove(&now);
        drop(state);
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.pass();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_is_early_waits_and_whoever_leaves_is_passed_over() {
        let turns = Arc::new(Turns::default());
        let (first, second, third) = (turns.take(), turns.take(), turns.take());
        let mut early = Box::pin(third.comes());
        assert!(futures_ready(&mut early).is_pending());
        drop(second);
        assert!(futures_ready(&mut early).is_pending());
        first.comes().await;
        first.pass();
        assert!(futures_ready(&mut early).is_ready());
        drop(early);
        drop((first, third));
        turns.take().comes().await;
    }

    fn futures_ready(future: &mut std::pin::Pin<Box<impl Future<Output = ()>>>) -> Poll<()> {
        future.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()))
    }
}
