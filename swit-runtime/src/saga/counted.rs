//! The numbers of a saga in this process.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use crate::{metrics::SharedDurations, registry::SagaRegistration, store::SagaState};

/// The numbers of a saga.
#[derive(Debug)]
pub(crate) struct Counted {
    started: AtomicU64,
    running: AtomicU64,
    /// By state, as [`SagaState::ALL`] has them.
    ended: [AtomicU64; SagaState::ALL.len()],
    parked: AtomicU64,
    steps: Vec<StepCounted>,
}

/// The numbers of a step. As many instances as may run at once write them.
#[derive(Debug, Default)]
pub(crate) struct StepCounted {
    done: AtomicU64,
    failed: AtomicU64,
    undone: AtomicU64,
    not_undone: AtomicU64,
    pub(crate) took: SharedDurations,
}

impl Counted {
    pub(super) fn new(registration: &SagaRegistration) -> Self {
        Self {
            started: AtomicU64::default(),
            running: AtomicU64::default(),
            ended: Default::default(),
            parked: AtomicU64::default(),
            steps: registration.steps.iter().map(|_| StepCounted::default()).collect(),
        }
    }

    pub(super) fn start(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(super) fn enter(&self) {
        self.running.fetch_add(1, Relaxed);
    }

    pub(super) fn leave(&self) {
        self.running.fetch_sub(1, Relaxed);
    }

    pub(super) fn end(&self, state: SagaState) {
        if let Some(place) = SagaState::ALL.iter().position(|known| *known == state) {
            self.ended[place].fetch_add(1, Relaxed);
        }
    }

    pub(super) fn parked(&self) {
        self.parked.fetch_add(1, Relaxed);
    }

    pub(super) fn step(&self, place: usize, is_done: bool, took: Duration) {
        let step = &self.steps[place];
        if is_done { &step.done } else { &step.failed }.fetch_add(1, Relaxed);
        step.took.add(took);
    }

    pub(super) fn compensation(&self, place: usize, is_done: bool) {
        let step = &self.steps[place];
        if is_done { &step.undone } else { &step.not_undone }.fetch_add(1, Relaxed);
    }
}

/// What the metrics page shows.
#[cfg(feature = "prometheus")]
impl Counted {
    /// How many were started here.
    pub(crate) fn of_started(&self) -> u64 {
        self.started.load(Relaxed)
    }

    /// How many run here now.
    pub(crate) fn of_running(&self) -> u64 {
        self.running.load(Relaxed)
    }

    /// How many ended here, by how.
    pub(crate) fn of_ended(&self) -> impl Iterator<Item = (SagaState, u64)> {
        let finished = SagaState::ALL.into_iter().zip(&self.ended).filter(|(state, _)| state.is_finished());
        finished.map(|(state, count)| (state, count.load(Relaxed)))
    }

    /// How many were parked here.
    pub(crate) fn of_parked(&self) -> u64 {
        self.parked.load(Relaxed)
    }

    /// By step, as the registration has them.
    pub(crate) fn of_steps(&self) -> &[StepCounted] {
        &self.steps
    }
}

#[cfg(feature = "prometheus")]
impl StepCounted {
    /// Attempts that did it.
    pub(crate) fn of_done(&self) -> u64 {
        self.done.load(Relaxed)
    }

    /// Attempts that failed.
    pub(crate) fn of_failed(&self) -> u64 {
        self.failed.load(Relaxed)
    }

    /// Attempts that undid it.
    pub(crate) fn of_undone(&self) -> u64 {
        self.undone.load(Relaxed)
    }

    /// Attempts at undoing it that failed.
    pub(crate) fn of_not_undone(&self) -> u64 {
        self.not_undone.load(Relaxed)
    }
}
