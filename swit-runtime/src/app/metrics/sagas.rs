//! The series of sagas: what this process counts of those that it knows, and where their instances are, as the database says.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::families::{
    SAGA_COMPENSATIONS, SAGA_ENDED, SAGA_INSTANCES, SAGA_INSTANCES_PARKED, SAGA_PARKED, SAGA_RUNNING, SAGA_STARTED,
    SAGA_STEP_DURATION, SAGA_STEPS,
};
use crate::{
    metrics::Page,
    registry::StepRegistration,
    saga::{Definition, StepCounted},
    store::{SagaCount, SagaState, Store},
};

/// How old what the database said may be.
const FRESH: Duration = Duration::from_secs(5);
/// A database that counts many rows is busy with it for at most one part in so many of its time.
const SHARE: u32 = 20;

/// Where instances are, as the database said last.
#[derive(Debug, Default)]
pub(super) struct Counts(Mutex<Option<(Instant, Arc<[SagaCount]>)>>);

impl Counts {
    /// What the database says, or said a moment ago; `None`: it has not answered in time.
    pub(super) async fn of(&self, store: &dyn Store, patience: Duration) -> Option<Arc<[SagaCount]>> {
        let began = Instant::now();
        if let Some((_, counts)) = self.said().clone().filter(|(until, _)| began < *until) {
            return Some(counts);
        }
        let counts: Arc<[SagaCount]> = timeout(patience, store.sagas().counts()).await.ok()?.ok()?.into();
        let until = Instant::now() + FRESH.max(began.elapsed() * SHARE);
        *self.said() = Some((until, counts.clone()));
        Some(counts)
    }

    fn said(&self) -> MutexGuard<'_, Option<(Instant, Arc<[SagaCount]>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn write(prefix: &str, sagas: &[Arc<Definition>], page: &mut Page) {
    SAGA_STARTED.begin(prefix, page);
    for saga in sagas {
        page.value(&[("saga", saga.registration.name)], saga.counted.of_started());
    }
    SAGA_ENDED.begin(prefix, page);
    for saga in sagas {
        for (state, many) in saga.counted.of_ended() {
            page.value(&[("saga", saga.registration.name), ("state", state.as_str())], many);
        }
    }
    SAGA_PARKED.begin(prefix, page);
    for saga in sagas {
        page.value(&[("saga", saga.registration.name)], saga.counted.of_parked());
    }
    SAGA_RUNNING.begin(prefix, page);
    for saga in sagas {
        page.value(&[("saga", saga.registration.name)], saga.counted.of_running());
    }
    SAGA_STEPS.begin(prefix, page);
    for (saga, step, counted) in steps(sagas) {
        for (status, many) in [("success", counted.of_done()), ("error", counted.of_failed())] {
            page.value(&[("saga", saga), ("step", step.name), ("status", status)], many);
        }
    }
    SAGA_STEP_DURATION.begin(prefix, page);
    for (saga, step, counted) in steps(sagas) {
        page.histogram(&[("saga", saga), ("step", step.name)], &counted.took.summed());
    }
    SAGA_COMPENSATIONS.begin(prefix, page);
    for (saga, step, counted) in steps(sagas).filter(|(_, step, _)| step.compensation.is_some()) {
        for (status, many) in [("success", counted.of_undone()), ("error", counted.of_not_undone())] {
            page.value(&[("saga", saga), ("step", step.name), ("status", status)], many);
        }
    }
}

/// All steps, each with its saga.
fn steps(sagas: &[Arc<Definition>]) -> impl Iterator<Item = (&'static str, &'static StepRegistration, &StepCounted)> {
    sagas.iter().flat_map(|saga| {
        let counted = saga.registration.steps.iter().zip(saga.counted.of_steps());
        counted.map(|(step, counted)| (saga.registration.name, step, counted))
    })
}

/// Where the instances are that are not over. What the database says of sagas that this program does not have is on no page.
pub(super) fn instances(prefix: &str, sagas: &[Arc<Definition>], counts: Option<&[SagaCount]>, page: &mut Page) {
    let mut by_place: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut parked: BTreeMap<&str, u64> = BTreeMap::new();
    for count in counts.unwrap_or_default() {
        *by_place.entry((&count.saga, count.state.as_str())).or_default() += count.count;
        *parked.entry(&count.saga).or_default() += if count.parked { count.count } else { 0 };
    }
    let known = if counts.is_some() { sagas } else { &[] };
    SAGA_INSTANCES.begin(prefix, page);
    for saga in known.iter().map(|saga| saga.registration.name) {
        for state in SagaState::ALL.iter().filter(|state| !state.is_finished()).map(|state| state.as_str()) {
            let many = by_place.get(&(saga, state)).copied().unwrap_or_default();
            page.value(&[("saga", saga), ("state", state)], many);
        }
    }
    SAGA_INSTANCES_PARKED.begin(prefix, page);
    for saga in known.iter().map(|saga| saga.registration.name) {
        page.value(&[("saga", saga)], parked.get(saga).copied().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::{store::Instance, stores::MemoryStore, text::Text};

    async fn start(store: &MemoryStore, key: &str) {
        let instance = Instance {
            saga: "trip".into(),
            key: key.into(),
            id: key.into(),
            version: 1,
            revision: 0,
            state: SagaState::Pending,
            owner: Text::default(),
            waits: None,
            due: None,
            parked: None,
            wish: None,
            opening: "{}".into(),
            journal: "{}".into(),
            started_at: UNIX_EPOCH,
            updated_at: UNIX_EPOCH,
        };
        let mut work = store.begin().await.unwrap();
        work.start_saga(&instance).await.unwrap();
        work.commit().await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_database_is_not_asked_for_each_page() {
        let (store, counts) = (MemoryStore::new(), Counts::default());
        let many = async || counts.of(&store, FRESH).await.unwrap().iter().map(|count| count.count).sum::<u64>();
        start(&store, "a").await;
        assert_eq!(many().await, 1);
        start(&store, "b").await;
        assert_eq!(many().await, 1);
        tokio::time::advance(FRESH).await;
        assert_eq!(many().await, 2);
    }
}
