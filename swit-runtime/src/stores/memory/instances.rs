//! Instances of sagas in memory. What is due, what is whose, what is finished and how many are where is known without looking
//! at every row.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::SystemTime,
};

use bytes::Bytes;
use foldhash::fast::RandomState;

use crate::{
    message::Message,
    store::{AT_ONCE, Instance, SagaCount, SagaFilter, SagaState},
    text::Text,
};

/// By name: by a saga's name and an instance's key, or by a state's kind and key.
pub(super) type Keyed<T> = HashMap<Text, T, RandomState>;

#[derive(Default)]
pub(super) struct Instances {
    sagas: BTreeMap<Text, OfSaga>,
    /// The saga and key of those that are somebody's.
    pub(super) owned: BTreeMap<Text, BTreeSet<(Text, Text)>>,
    pub(super) members: BTreeMap<Text, i64>,
    /// Those that an open transaction starts.
    pub(super) starting: BTreeSet<(Text, Text)>,
    /// States of choreographed sagas, with their versions.
    pub(super) states: BTreeMap<Text, Keyed<(i64, Bytes)>>,
}

#[derive(Default)]
struct OfSaga {
    rows: Keyed<Row>,
    /// Those that can be claimed, by when.
    due: BTreeSet<(SystemTime, Text)>,
    /// Those that are finished, by when they were.
    finished: BTreeSet<(SystemTime, Text)>,
    /// How many are in each state, not parked and parked.
    counts: [[u64; 2]; SagaState::ALL.len()],
}

pub(super) struct Row {
    pub(super) instance: Instance,
    pub(super) mail: Vec<(Text, Message)>,
    finished: Option<SystemTime>,
}

/// What is known of a row without looking at it.
struct Known {
    due: Option<SystemTime>,
    finished: Option<SystemTime>,
    owner: Text,
    state: SagaState,
    is_parked: bool,
}

impl Row {
    pub(super) fn new(instance: Instance, now: SystemTime) -> Self {
        let finished = instance.state.is_finished().then_some(now);
        Self { instance: Instance { wish: None, ..instance }, mail: Vec::new(), finished }
    }

    pub(super) fn has_mail(&self, step: &str) -> bool {
        self.mail.iter().any(|(of, _)| of == step)
    }

    /// Whether the event that it waits for is there.
    pub(super) fn has_awaited(&self) -> bool {
        self.instance.waits.as_ref().is_some_and(|step| self.has_mail(step))
    }

    pub(super) fn is(&self, revision: i64, owner: &str) -> bool {
        self.instance.revision == revision && self.instance.owner == owner
    }

    /// All but what stays as it was when it was started, and what somebody outside wants.
    pub(super) fn write(&mut self, instance: &Instance, revision: i64, now: SystemTime) {
        let row = &mut self.instance;
        row.revision = revision;
        row.version = instance.version;
        row.state = instance.state;
        row.owner = instance.owner.clone();
        row.waits.clone_from(&instance.waits);
        let is_wanted = row.wish.is_some() && instance.owner.is_empty() && instance.state.is_at_rest_going_forward();
        row.due = if is_wanted { Some(AT_ONCE) } else { instance.due };
        row.parked.clone_from(&instance.parked);
        row.journal = instance.journal.clone();
        row.updated_at = now;
        self.finished = instance.state.is_finished().then_some(now);
    }

    /// One that is nobody's and whose event is there is due.
    pub(super) fn wake(&mut self, now: SystemTime) {
        if self.instance.owner.is_empty() && self.has_awaited() {
            self.instance.due = Some(now);
        }
    }

    fn known(&self) -> Known {
        let Instance { owner, parked, due, state, .. } = &self.instance;
        let is_free = owner.is_empty() && parked.is_none();
        Known {
            due: due.filter(|_| is_free),
            finished: self.finished,
            owner: owner.clone(),
            state: *state,
            is_parked: parked.is_some(),
        }
    }
}

impl Instances {
    pub(super) fn row(&self, saga: &str, key: &str) -> Option<&Row> {
        self.sagas.get(saga)?.rows.get(key)
    }

    pub(super) fn insert(&mut self, row: Row) {
        let (saga, key) = (row.instance.saga.clone(), row.instance.key.clone());
        let of = self.sagas.entry(saga.clone()).or_default();
        let known = row.known();
        of.counts[known.state as usize][usize::from(known.is_parked)] += 1;
        of.due.extend(known.due.map(|due| (due, key.clone())));
        of.finished.extend(known.finished.map(|at| (at, key.clone())));
        if !known.owner.is_empty() {
            self.owned.entry(known.owner).or_default().insert((saga, key.clone()));
        }
        of.rows.insert(key, row);
    }

    /// Changes a row, and what is known of it. `None`: there is none.
    pub(super) fn change<R>(&mut self, saga: &str, key: &str, change: impl FnOnce(&mut Row) -> R) -> Option<R> {
        let of = self.sagas.get_mut(saga)?;
        let row = of.rows.get_mut(key)?;
        let before = row.known();
        let result = change(row);
        let (after, saga, key) = (row.known(), &row.instance.saga, &row.instance.key);
        of.counts[before.state as usize][usize::from(before.is_parked)] -= 1;
        of.counts[after.state as usize][usize::from(after.is_parked)] += 1;
        place(&mut of.due, key, before.due, after.due);
        place(&mut of.finished, key, before.finished, after.finished);
        if before.owner != after.owner {
            let entry = (saga.clone(), key.clone());
            if let Some(owned) = self.owned.get_mut(&before.owner) {
                owned.remove(&entry);
                if owned.is_empty() {
                    self.owned.remove(&before.owner);
                }
            }
            if !after.owner.is_empty() {
                self.owned.entry(after.owner).or_default().insert(entry);
            }
        }
        Some(result)
    }

    pub(super) fn remove(&mut self, saga: &str, key: &str) {
        // First nothing is known of it any more but how many there are.
        self.change(saga, key, |row| {
            row.instance.owner = Text::default();
            (row.instance.due, row.finished) = (None, None);
        });
        let Some(of) = self.sagas.get_mut(saga) else { return };
        if let Some(row) = of.rows.remove(key) {
            let known = row.known();
            of.counts[known.state as usize][usize::from(known.is_parked)] -= 1;
        }
    }

    /// The one of these sagas that is due first.
    pub(super) fn first_due(&self, sagas: &[Text]) -> Option<(SystemTime, &Text, Text)> {
        let firsts = sagas.iter().filter_map(|saga| {
            let (due, key) = self.sagas.get(saga)?.due.first()?;
            Some((*due, saga, key))
        });
        let (due, saga, key) = firsts.min()?;
        let (saga, _) = self.sagas.get_key_value(saga)?;
        Some((due, saga, key.clone()))
    }

    pub(super) fn finished_before(&self, before: SystemTime, limit: u32) -> Vec<(Text, Text)> {
        let mut found = Vec::new();
        for (saga, of) in &self.sagas {
            let old = of.finished.iter().take_while(|(at, _)| *at < before);
            let room = (limit as usize).saturating_sub(found.len());
            found.extend(old.take(room).map(|(_, key)| (saga.clone(), key.clone())));
        }
        found
    }

    pub(super) fn list(&self, filter: &SagaFilter, behind: Option<(&str, &str)>, limit: u32) -> Vec<Instance> {
        let is_wanted = |row: &&Row| {
            let Instance { saga, key, state, parked, .. } = &row.instance;
            behind.is_none_or(|behind| (&**saga, &**key) > behind)
                && filter.saga.as_ref().is_none_or(|of| of == saga)
                && filter.state.is_none_or(|wanted| wanted == *state)
                && (!filter.parked || parked.is_some())
        };
        let mut found: Vec<_> = self.sagas.values().flat_map(|of| of.rows.values().filter(is_wanted)).collect();
        found.sort_unstable_by(|a, b| (&a.instance.saga, &a.instance.key).cmp(&(&b.instance.saga, &b.instance.key)));
        found.into_iter().take(limit as usize).map(|row| row.instance.clone()).collect()
    }

    /// How many are where, those that are finished not counted.
    pub(super) fn counts(&self) -> Vec<SagaCount> {
        let mut counts = Vec::new();
        for (saga, of) in &self.sagas {
            for (state, [running, parked]) in SagaState::ALL.into_iter().zip(of.counts) {
                let some = [(false, running), (true, parked)].into_iter();
                let some = some.filter(|(_, count)| *count > 0 && !state.is_finished());
                counts.extend(some.map(|(parked, count)| SagaCount { saga: saga.clone(), state, parked, count }));
            }
        }
        counts
    }
}

/// Has an index say where a row is now.
fn place(index: &mut BTreeSet<(SystemTime, Text)>, key: &Text, before: Option<SystemTime>, after: Option<SystemTime>) {
    if before == after {
        return;
    }
    if let Some(at) = before {
        index.remove(&(at, key.clone()));
    }
    index.extend(after.map(|at| (at, key.clone())));
}
