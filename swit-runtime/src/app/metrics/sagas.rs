//! The series of sagas: what this process counts of those that it knows, and where their instances are, as the database says.

use std::{collections::BTreeMap, sync::Arc};

use super::families::{
    SAGA_COMPENSATIONS, SAGA_ENDED, SAGA_INSTANCES, SAGA_INSTANCES_PARKED, SAGA_PARKED, SAGA_RUNNING, SAGA_STARTED,
    SAGA_STEP_DURATION, SAGA_STEPS,
};
use crate::{
    metrics::Page,
    registry::StepRegistration,
    saga::{Definition, StepCounted},
    store::{SagaCount, SagaState},
};

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
