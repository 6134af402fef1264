//! A saga that this process runs: its registration, made ready.

use std::{sync::Arc, time::SystemTime};

use tokio::sync::Semaphore;

use super::{
    attempt::Callee,
    counted::Counted,
    journal::{Cause, Journal, Opening, micros, moment},
};
use crate::{
    registry::{SagaRegistration, StepRegistration},
    store::{Instance, SagaState},
    text::Text,
};

/// A saga, made ready.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) registration: &'static SagaRegistration,
    pub(super) steps: Vec<Step>,
    /// This process runs its instances; if not, it only starts them.
    pub(super) enabled: bool,
    /// Who may run at once.
    pub(super) seats: Arc<Semaphore>,
    pub(crate) counted: Counted,
}

/// A step, made ready.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) registration: &'static StepRegistration,
    pub(super) name: Text,
    pub(super) callee: Callee,
    pub(super) compensation: Option<Callee>,
}

impl Definition {
    /// `concurrency` `None`: as the registration says.
    pub(crate) fn new(registration: &'static SagaRegistration, enabled: bool, concurrency: Option<u32>) -> Self {
        let step = |step: &'static StepRegistration| Step {
            registration: step,
            name: Text::from_static(step.name),
            callee: Callee::new(&step.call, registration.name, step.name),
            // No name holds a `/`.
            compensation: step.compensation.as_ref().map(|undo| {
                let place = format!("{}/compensation", step.name);
                Callee::new(&undo.call, registration.name, &place)
            }),
        };
        let steps: Vec<Step> = registration.steps.iter().map(step).collect();
        let counted = Counted::new(registration);
        let seats = usize::try_from(concurrency.unwrap_or(registration.concurrency)).unwrap_or(1).max(1);
        Self { registration, steps, enabled, seats: Arc::new(Semaphore::new(seats)), counted }
    }

    pub(super) fn place(&self, step: &str) -> Option<usize> {
        self.steps.iter().position(|known| known.name == step)
    }

    /// Whether it goes on with instances of this version.
    pub(super) fn accepts(&self, version: u32) -> bool {
        version == self.registration.version || self.registration.accepts.contains(&version)
    }

    /// Has an instance that was just started be where its first step is to begin: here, or, where the saga is not run or too
    /// many wait, wherever there is a seat first.
    pub(super) fn open(
        &self,
        instance: &mut Instance,
        opening: &Opening,
        journal: &mut Journal,
        now: SystemTime,
        is_full: bool,
    ) {
        self.front(instance, opening, journal, now);
        if (!self.enabled || is_full) && !instance.owner.is_empty() {
            let state = instance.state;
            rest(instance, opening, journal, state, Some(now));
        }
    }

    /// The journal of an instance that has just been started.
    pub(super) fn blank(&self) -> Journal {
        Journal { at: self.steps.first().map(|step| step.name.clone()), ..Journal::default() }
    }

    /// Has the instance be where what is next in its journal is to begin: run by its owner, at rest, or over.
    pub(super) fn front(&self, instance: &mut Instance, opening: &Opening, journal: &mut Journal, now: SystemTime) {
        instance.waits = None;
        instance.due = None;
        journal.rests = false;
        if journal.cause.is_some() {
            self.front_of_undoing(instance, journal);
            return;
        }
        let step = journal.at.as_deref().and_then(|at| self.place(at)).map(|place| &self.steps[place]);
        let Some(step) = step else {
            if journal.at.is_none() {
                over(instance, SagaState::Completed);
            }
            // A step that is not known is found when it is looked for.
            return;
        };
        let first = journal.done.is_empty() && instance.state == SagaState::Pending;
        let resting = if first { SagaState::Pending } else { SagaState::StepCompleted };
        if let Some(wait) = step.registration.wait {
            let until = wait.within.map(|within| now + within);
            instance.waits = Some(step.name.clone());
            rest(instance, opening, journal, resting, until);
            journal.until = until.map(micros);
        } else if let Some(after) = step.registration.after {
            rest(instance, opening, journal, resting, Some(now + after));
            journal.until = Some(micros(now + after));
        } else {
            instance.state = if first { SagaState::Pending } else { SagaState::Running };
        }
    }

    /// What is to be undone next, last done first; nothing: it is over.
    fn front_of_undoing(&self, instance: &mut Instance, journal: &mut Journal) {
        for done in journal.done.iter_mut().rev().filter(|done| !done.undone) {
            let needs_nothing = self.place(&done.step).is_some_and(|place| self.steps[place].compensation.is_none());
            if needs_nothing {
                done.undone = true;
                continue;
            }
            journal.at = Some(done.step.clone());
            instance.state = SagaState::Compensating;
            return;
        }
        journal.at = None;
        over(
            instance,
            match journal.cause {
                Some(Cause::Cancelled) => SagaState::Cancelled,
                Some(Cause::TimedOut) => SagaState::TimedOut,
                Some(Cause::Failed | Cause::Asked) | None => SagaState::Compensated,
            },
        );
    }
}

fn over(instance: &mut Instance, state: SagaState) {
    instance.state = state;
    instance.owner = Text::default();
}

/// Nobody runs it until then, or until its time is over. Of an instance that is undone no time is over.
pub(super) fn rest(
    instance: &mut Instance,
    opening: &Opening,
    journal: &mut Journal,
    state: SagaState,
    until: Option<SystemTime>,
) {
    let deadline = opening.deadline.filter(|_| journal.cause.is_none()).map(moment);
    instance.state = state;
    instance.owner = Text::default();
    instance.due = [until, deadline].into_iter().flatten().min();
    journal.rests = true;
}
