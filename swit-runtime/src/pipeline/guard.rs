//! The guard around an attempt: its timeout, and a wall that panics don't pass.
//!
//! Guarantee: whatever a handler does short of aborting the process, its worker gets an [`Outcome`] back.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context as Task, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

use crate::outcome::{Failure, FailureKind, Outcome};

/// One worker's guard. Its timer is made once and re-armed only when it has to fire later than it would: setting a
/// timer for each message would cost more than the rest of the dispatch.
pub(crate) struct Guard {
    timeout: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the attempt that is running has to end; set when it first waits, taken when it is over.
    deadline: Option<Instant>,
}

impl Guard {
    pub(crate) fn new(timeout: Duration) -> Self {
        Self { timeout, timer: None, deadline: None }
    }

    /// When the attempt that ended last first waited, if it did.
    #[inline]
    pub(crate) fn waited_since(&mut self) -> Option<Instant> {
        self.deadline.take().and_then(|deadline| deadline.checked_sub(self.timeout))
    }

    /// Polls the attempt. When this is ready the attempt is gone: completed, cancelled or panicked, and dropped.
    #[inline]
    pub(crate) fn poll<F: Future<Output = Outcome>>(
        &mut self,
        mut attempt: Pin<&mut Option<F>>,
        task: &mut Task<'_>,
    ) -> Poll<Outcome> {
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(future) = attempt.as_mut().as_pin_mut() else { return Poll::Pending };
            let outcome = ready!(future.poll(task));
            // Dropping may panic as well.
            attempt.set(None);
            Poll::Ready(outcome)
        }));
        match polled {
            Ok(Poll::Ready(outcome)) => Poll::Ready(outcome),
            Ok(Poll::Pending) => self.wait(task).map(|()| {
                // A handler that panics while it is cancelled is still a handler that took too long.
                let _ = catch_unwind(AssertUnwindSafe(|| attempt.set(None)));
                timed_out(self.timeout)
            }),
            Err(payload) => {
                let _ = catch_unwind(AssertUnwindSafe(|| attempt.set(None)));
                Poll::Ready(panicked(payload))
            }
        }
    }

    /// Ready when the attempt's time is over. Waking up too early is cheap; it is noticed here.
    fn wait(&mut self, task: &mut Task<'_>) -> Poll<()> {
        let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + self.timeout);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.timeout)));
        // It may still be armed for an earlier message, never for a later moment than this one's.
        while timer.as_mut().poll(task).is_ready() {
            if Instant::now() >= deadline {
                timer.as_mut().reset(Instant::now() + self.timeout);
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

#[cold]
fn timed_out(timeout: Duration) -> Outcome {
    let text = format!("the attempt took longer than its timeout of {}", swit_grammar::duration::format(timeout));
    Failure::new(FailureKind::Timeout, text).into()
}

#[cold]
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Outcome {
    Failure::new(FailureKind::Panic, format!("the handler panicked: {}", panic_text(payload))).into()
}

/// What a panic said.
pub(crate) fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is not text".to_owned());
    // The payload's own destructor may panic too; what that panics with is leaked rather than trusted again.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin};

    use super::*;

    async fn run<F: Future<Output = Outcome>>(guard: &mut Guard, future: F) -> Outcome {
        let mut attempt = pin!(Some(future));
        let outcome = poll_fn(|task| guard.poll(attempt.as_mut(), task)).await;
        guard.waited_since();
        outcome
    }

    fn kind(outcome: &Outcome) -> Option<FailureKind> {
        match outcome {
            Outcome::Failed(failure) => Some(failure.kind()),
            _ => None,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_attempt_has_the_whole_timeout() {
        let mut guard = Guard::new(Duration::from_secs(10));
        for seconds in [9, 9, 11, 9] {
            let start = Instant::now();
            let outcome = run(&mut guard, async {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Outcome::Success
            })
            .await;
            assert_eq!(kind(&outcome), (seconds > 10).then_some(FailureKind::Timeout), "{seconds}");
            assert_eq!(start.elapsed().as_secs(), seconds.min(10));
        }
    }

    #[tokio::test]
    async fn panics_are_outcomes_also_those_of_destructors() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                assert!(std::thread::panicking(), "dropped");
            }
        }
        let mut guard = Guard::new(Duration::from_secs(10));
        for outcome in [
            run(&mut guard, async { panic!("at once") }).await,
            run(&mut guard, async { std::panic::panic_any(7) }).await,
            run(&mut guard, async {
                tokio::task::yield_now().await;
                let _bomb = Bomb;
                Outcome::Success
            })
            .await,
        ] {
            assert_eq!(kind(&outcome), Some(FailureKind::Panic), "{outcome:?}");
        }
        assert!(run(&mut guard, async { Outcome::Success }).await.is_success());
    }
}
