//! Participants, side by side: each behind a wall, within its time, again where it is to be done at last.

use std::{
    future::poll_fn,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    classify::{Backoff, BoxError, Jitter},
    id::chance,
    outcome::one_line,
    transport::BoxFuture,
    walled::walled,
};

/// Between tries of what has to be done.
const AGAIN: Backoff = Backoff::Exponential {
    first: Duration::from_millis(50),
    max: Duration::from_secs(5),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// What came of a step of one participant.
pub(super) enum Came<T> {
    Well(T),
    Badly(BoxError),
    Panicked,
    /// Not within its time.
    Late,
}

impl<T> Came<T> {
    pub(super) fn well(self) -> Option<T> {
        match self {
            Self::Well(value) => Some(value),
            _ => None,
        }
    }

    pub(super) fn is_well(&self) -> bool {
        matches!(self, Self::Well(_))
    }

    /// What a log says of it.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Well(_) => "done".to_owned(),
            Self::Badly(error) => one_line(&**error),
            Self::Panicked => "it panicked".to_owned(),
            Self::Late => "it took too long".to_owned(),
        }
    }
}

/// One step, until then.
pub(super) async fn step<'a, T>(until: Instant, make: impl FnOnce() -> BoxFuture<'a, Result<T, BoxError>>) -> Came<T> {
    match timeout_at(until, walled(make)).await {
        Ok(Some(Ok(value))) => Came::Well(value),
        Ok(Some(Err(error))) => Came::Badly(error),
        Ok(None) => Came::Panicked,
        Err(_) => Came::Late,
    }
}

/// All of these, side by side; what they come to, in their order.
pub(super) async fn all<'a, T: Send + 'a>(steps: Vec<BoxFuture<'a, T>>) -> Vec<T> {
    let mut running: Vec<(Option<BoxFuture<'a, T>>, Option<T>)> =
        steps.into_iter().map(|step| (Some(step), None)).collect();
    poll_fn(|task| {
        let mut is_over = true;
        for (step, came) in &mut running {
            match step.as_mut().map(|step| step.as_mut().poll(task)) {
                Some(Poll::Ready(value)) => (*step, *came) = (None, Some(value)),
                Some(Poll::Pending) => is_over = false,
                None => {}
            }
        }
        if is_over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, came)| came).collect()
}

/// One after the other for each of these, so many at once; what they come to, in the order in which they are through.
pub(super) async fn some_at_once<'a, I: Send + 'a, T: Send + 'a>(
    at_once: usize,
    items: impl IntoIterator<Item = I, IntoIter: Send + 'a>,
    work: impl Fn(I) -> BoxFuture<'a, T> + Sync + 'a,
) -> Vec<T> {
    let left = Mutex::new(items.into_iter());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let lane = || async {
        let mut came = Vec::new();
        while let Some(item) = next() {
            came.push(work(item).await);
        }
        came
    };
    let lanes = (0..at_once).map(|_| Box::pin(lane()) as BoxFuture<'_, Vec<T>>).collect();
    all(lanes).await.into_iter().flatten().collect()
}

/// Again and again, until it is done or its time is over. Says whether it is done.
pub(super) async fn until_done<'a>(
    id: &str,
    participant: &str,
    doing: &'static str,
    patience: Duration,
    mut make: impl FnMut() -> BoxFuture<'a, Result<(), BoxError>>,
) -> bool {
    let began = Instant::now();
    let (end, one) = (began + patience, (patience / 4).max(Duration::from_millis(100)));
    for tries in 1.. {
        let came = step((Instant::now() + one).min(end), &mut make).await;
        if came.is_well() {
            return true;
        }
        let wait = AGAIN.jittered(tries, chance());
        let is_over = Instant::now() + wait >= end;
        tracing::warn!(
            transaction = id,
            participant,
            tries,
            error = came.why(),
            "{doing} failed; {}",
            if is_over { "recovery goes on with it" } else { "it is tried again" }
        );
        if is_over {
            break;
        }
        sleep(wait).await;
    }
    false
}
