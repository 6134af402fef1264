//! A running subscriber as those see it who don't own its tasks.

use std::sync::{Arc, PoisonError, atomic::Ordering};

use crate::{
    pipeline::{Counters, Counts, Plan},
    transport::Subscription,
};

/// A running subscriber as those see it who don't own its tasks.
#[derive(Clone)]
pub(crate) struct View {
    pub(super) plan: Arc<Plan>,
    pub(super) subscription: Arc<dyn Subscription>,
    pub(super) counters: Vec<Arc<Counters>>,
    /// The tasks of its workers, in which its handlers run.
    pub(super) tasks: Vec<tokio::task::Id>,
}

impl View {
    /// Its subscription.
    pub(crate) fn subscription(&self) -> &Arc<dyn Subscription> {
        &self.subscription
    }

    /// The subscriber's plan.
    pub(crate) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Whether a task is one of its workers: what runs in it is one of its handlers.
    pub(crate) fn runs_in(&self, task: tokio::task::Id) -> bool {
        self.tasks.contains(&task)
    }

    /// Begins no attempt until it is resumed, and has what its transport fetched ahead given back.
    pub(crate) fn pause(&self) {
        self.plan.gate.pause();
        self.subscription.pause();
    }

    /// Goes on.
    pub(crate) fn resume(&self) {
        self.subscription.resume();
        self.plan.gate.resume();
    }

    /// What the workers counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let handlers_failed = self.plan.receiver.handlers_failed.load(Ordering::Relaxed);
        let duplicates = self.plan.receiver.duplicates.load(Ordering::Relaxed);
        let mut counts = Counts { handlers_failed, duplicates, ..Counts::default() };
        for own in &self.counters {
            own.add_to(&mut counts);
        }
        self.plan.late.lock().unwrap_or_else(PoisonError::into_inner).add_to(&mut counts);
        counts
    }
}
