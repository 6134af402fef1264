//! Runs the checks of providers and of users.
//!
//! Guarantees: a storm of questions runs each once a second at the most; they run beside each other, in tasks of their own, so
//! that one that is slow, panics or blocks its thread holds up no other; none is called again before its last call has ended;
//! whoever asks waits for those that he needs alone, and may go away.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{check::Check, report::Component};

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(1);
/// How long the last answer of a check that is not waited for stands in for the next: longer than any may take.
const STANDS_IN: Duration = Duration::from_mins(1);
/// How long checks that are not critical are waited for by those who need them least.
const PATIENCE: Duration = Duration::from_millis(100);

/// Which checks are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app) enum Wait {
    /// All.
    All,
    /// Those that decide whether the service is ready. The others may say what they said last.
    #[cfg_attr(not(feature = "admin"), expect(dead_code, reason = "it is the pages that ask so"))]
    Critical,
}

/// All checks of a service.
pub(in crate::app) struct Checks {
    all: Vec<Arc<Asked>>,
    /// The calls. What they hold holds no task, so that they end when this is dropped.
    tasks: Mutex<JoinSet<()>>,
}

/// A check, and what is known of it.
struct Asked {
    check: Check,
    known: watch::Sender<Known>,
}

#[derive(Clone, Default)]
struct Known {
    /// When the call began that has not ended.
    under_way: Option<Instant>,
    /// How many have.
    ended: u64,
    /// What the last of them said, and when.
    last: Option<(Instant, Component)>,
}

impl Checks {
    pub(in crate::app) fn new(checks: Vec<Check>) -> Self {
        let asked = |check| Arc::new(Asked { check, known: watch::Sender::default() });
        Self { all: checks.into_iter().map(asked).collect(), tasks: Mutex::default() }
    }

    /// What they say: just now, or no longer ago than a second; of those that are not waited for, what they said last.
    pub(super) async fn results(&self, wait: Wait) -> Vec<Component> {
        // All begin before any is waited for.
        let mut calls: Vec<_> = self.all.iter().map(|asked| self.call(asked)).collect();
        let patience = Instant::now() + PATIENCE;
        for critical in [true, false] {
            for (asked, answers, seen) in calls.iter_mut().filter(|(asked, ..)| asked.check.critical == critical) {
                let until = if critical || wait == Wait::All { None } else { Some(patience) };
                asked.answered(answers, *seen, until).await;
            }
        }
        self.all.iter().map(|asked| asked.says()).collect()
    }

    /// Begins a call of a check, unless one is under way or its answer is fresh: with it, where answers come, and how many came
    /// before this one.
    fn call<'a>(&self, asked: &'a Arc<Asked>) -> (&'a Arc<Asked>, watch::Receiver<Known>, u64) {
        let answers = asked.known.subscribe();
        let seen = answers.borrow().ended;
        let begins = asked.known.send_if_modified(|known| {
            let is_fresh = known.last.as_ref().is_some_and(|(ended, _)| ended.elapsed() < FRESH);
            let begins = known.under_way.is_none() && !is_fresh;
            if begins {
                known.under_way = Some(Instant::now());
            }
            begins
        });
        if begins {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            // What has ended is forgotten.
            while tasks.try_join_next().is_some() {}
            let call = Call(asked.clone(), None);
            tasks.spawn(call.make());
        }
        (asked, answers, seen)
    }

    /// Ends what runs: what the checks look at is about to be closed.
    pub(super) fn stop(&self) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Asked {
    /// Waits for the answer to the call that is under way, if one is, until it should have come, and no longer than until then.
    async fn answered(&self, answers: &mut watch::Receiver<Known>, seen: u64, until: Option<Instant>) {
        let Some(begun) = answers.borrow().under_way else { return };
        let due = self.check.due(begun);
        let until = until.map_or(due, |until| until.min(due));
        let answer = answers.wait_for(|known| known.ended > seen || known.under_way.is_none());
        let _ = tokio::time::timeout_at(until, answer).await;
    }

    fn says(&self) -> Component {
        let known = self.known.borrow();
        match (known.under_way, &known.last) {
            (Some(begun), _) if Instant::now() >= self.check.due(begun) => self.check.blocks(begun),
            (_, Some((ended, last))) if ended.elapsed() < STANDS_IN => last.clone(),
            _ => self.check.unknown(),
        }
    }
}

/// A call of a check; whichever way it ends, that it has ended is known.
struct Call(Arc<Asked>, Option<Component>);

impl Call {
    async fn make(mut self) {
        self.1 = Some(self.0.check.run().await);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let said = self.1.take().unwrap_or_else(|| self.0.check.panicked());
        self.0.known.send_modify(|known| {
            *known = Known { under_way: None, ended: known.ended + 1, last: Some((Instant::now(), said)) };
        });
    }
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|asked| &asked.check.name)).finish()
    }
}
