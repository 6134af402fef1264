//! Many publications at once, within a window.

use std::collections::VecDeque;

use super::{Confirmation, flight::Answer};

/// Most publications of one `publish_all` that are on their way at a time. A broker gains nothing from more.
pub(super) const WINDOW: usize = 1_000;

/// Starts publications in their order, at most `window` of them ahead of the first that is not answered, and answers in
/// their order.
pub(super) async fn publish_all(publications: impl Iterator<Item = Confirmation>, window: usize) -> Vec<Answer> {
    let mut answers = Vec::with_capacity(publications.size_hint().0.min(WINDOW));
    let mut started = VecDeque::with_capacity(window.min(publications.size_hint().0));
    for confirmation in publications {
        started.push_back(confirmation);
        if started.len() >= window
            && let Some(first) = started.pop_front()
        {
            answers.push(first.await);
        }
    }
    for confirmation in started {
        answers.push(confirmation.await);
    }
    answers
}
