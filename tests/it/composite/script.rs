//! What the event handlers of these tests do: each call plays its handler's next step, and is written down.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::Classify;

use crate::support::Journal;

/// What one call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Succeed,
    /// Succeeds after this wait.
    Last(Duration),
    Fail,
    /// Fails after this wait.
    FailAfter(Duration),
    Break,
    Panic,
    /// Never ends.
    Hang,
}

#[derive(Debug, thiserror::Error, Classify)]
pub(crate) enum StepError {
    #[error("`{0}` can't now")]
    #[class(transient)]
    Busy(&'static str),
    #[error("`{0}` never will")]
    #[class(permanent)]
    Never(&'static str),
}

/// The steps of all handlers; one that has none left succeeds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    steps: Arc<Mutex<HashMap<&'static str, VecDeque<Step>>>>,
    pub(crate) journal: Journal,
}

/// Writes down that a call ended, however it ended.
struct Running {
    handler: &'static str,
    journal: Journal,
    is_done: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_done {
            self.journal.note(format!("{} dropped", self.handler));
        }
    }
}

impl Script {
    /// This handler does these, one a call.
    pub(crate) fn with(self, handler: &'static str, steps: &[Step]) -> Self {
        self.steps.lock().unwrap().entry(handler).or_default().extend(steps);
        self
    }

    /// Plays the next step of this handler.
    pub(crate) async fn play(&self, handler: &'static str) -> Result<(), StepError> {
        let step = self.steps.lock().unwrap().get_mut(handler).and_then(VecDeque::pop_front).unwrap_or(Step::Succeed);
        self.journal.note(format!("{handler} starts"));
        let mut running = Running { handler, journal: self.journal.clone(), is_done: false };
        match step {
            Step::Last(wait) | Step::FailAfter(wait) => tokio::time::sleep(wait).await,
            Step::Hang => std::future::pending().await,
            Step::Panic => panic!("{handler} panics"),
            Step::Succeed | Step::Fail | Step::Break => {}
        }
        running.is_done = true;
        match step {
            Step::Fail | Step::FailAfter(_) => {
                self.journal.note(format!("{handler} fails"));
                Err(StepError::Busy(handler))
            }
            Step::Break => {
                self.journal.note(format!("{handler} fails"));
                Err(StepError::Never(handler))
            }
            _ => {
                self.journal.note(format!("{handler} ends"));
                Ok(())
            }
        }
    }

    /// What was written down.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.journal.lines()
    }

    /// How often this is there.
    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|written| *written == line).count()
    }
}
