//! What publishing gives back: a publication that has started.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
};

use tokio::task::coop::poll_proceed;

use super::flight::{Answer, Flight};
use crate::error::PublishError;

/// A publication that has started: awaited, it says what the broker confirmed.
///
/// Dropping it does not take the publication back; it only gives up learning what became of it. A failure that nobody
/// waited for is logged.
#[must_use = "what is not awaited may have failed"]
pub struct Confirmation(State);

enum State {
    /// Answered at once; `None` once the answer was taken.
    Ready(Option<Answer>),
    /// On its way.
    Flying(Arc<Flight>),
}

impl Confirmation {
    pub(super) const fn ready(answer: Answer) -> Self {
        Self(State::Ready(Some(answer)))
    }

    pub(crate) const fn refused(error: PublishError) -> Self {
        Self::ready(Err(error))
    }

    pub(super) fn flying(flight: Arc<Flight>) -> Self {
        Self(State::Flying(flight))
    }

    /// The answer, if it is there by now, for whoever can't wait. What a panic has interrupted is not asked.
    pub(super) fn so_far(mut self) -> Option<Answer> {
        match &mut self.0 {
            State::Ready(answer) => answer.take(),
            State::Flying(_) if std::thread::panicking() => None,
            State::Flying(flight) => match flight.poll_answer(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(answer) => Some(answer),
                Poll::Pending => None,
            },
        }
    }
}

impl Future for Confirmation {
    type Output = Answer;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Answer> {
        // An answer that is there at once must not let a publisher in a loop keep everybody else from running: awaiting
        // it spends tokio's cooperative budget.
        let budget = ready!(poll_proceed(task));
        let answer = match &mut self.0 {
            // Polled again after it answered, which a future's contract forbids: nothing sensible is left to say.
            State::Ready(answer) => answer.take().unwrap_or(Err(PublishError::Closed)),
            State::Flying(flight) => ready!(flight.poll_answer(task)),
        };
        budget.made_progress();
        Poll::Ready(answer)
    }
}

impl Drop for Confirmation {
    #[inline]
    fn drop(&mut self) {
        if let State::Flying(flight) = &self.0 {
            flight.leave();
        }
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Ready(answer) => f.debug_tuple("Confirmation").field(answer).finish(),
            State::Flying(flight) => f.debug_tuple("Confirmation").field(flight).finish(),
        }
    }
}
