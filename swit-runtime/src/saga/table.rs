//! Which instances are in this process: run, or waiting for a seat; and who waits for their end.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::SystemTime,
};

use tokio::sync::{Notify, futures::Notified};

use super::{drive::Came, engine::Engine};
use crate::{store::Instance, text::Text};

/// What is in this process.
#[derive(Default)]
pub(super) struct Table {
    /// Run, or waiting for a seat.
    pub(super) here: HashMap<(Text, Text), u32>,
    /// Waiting for a seat; by definition.
    pub(super) waiting: Vec<VecDeque<(Instance, Came)>>,
    /// How many of those were claimed; by definition.
    pub(super) claimed: Vec<usize>,
    /// Whoever waits for one to be over.
    ears: HashMap<(Text, Text), Arc<Notify>>,
    /// When the next one that was laid to rest here is due, by the wall clock.
    pub(super) next: Option<SystemTime>,
}

impl Table {
    /// Empty, for so many sagas.
    pub(super) fn of(sagas: usize) -> Self {
        Self { waiting: (0..sagas).map(|_| VecDeque::new()).collect(), claimed: vec![0; sagas], ..Self::default() }
    }

    /// How many are here.
    pub(super) fn many(&self) -> usize {
        self.here.values().map(|times| *times as usize).sum()
    }

    /// How many of them wait for a seat.
    pub(super) fn many_waiting(&self) -> usize {
        self.waiting.iter().map(VecDeque::len).sum()
    }

    /// Whoever waits for this one to be over looks.
    pub(super) fn tell(&self, name: &(Text, Text)) {
        if let Some(ended) = self.ears.get(name) {
            ended.notify_waiters();
        }
    }

    pub(super) fn has(&self, instance: &Instance) -> bool {
        self.here.contains_key(&(instance.saga.clone(), instance.key.clone()))
    }

    /// One that was laid to rest may come again before whoever had it has left it.
    pub(super) fn arrive(&mut self, instance: &Instance) {
        *self.here.entry((instance.saga.clone(), instance.key.clone())).or_default() += 1;
    }

    /// The next one that waits for a seat.
    pub(super) fn pop(&mut self, place: usize) -> Option<(Instance, Came)> {
        let next = self.waiting[place].pop_front()?;
        if next.1 == Came::Claimed {
            self.claimed[place] -= 1;
        }
        Some(next)
    }

    /// What was begun goes before what was not.
    pub(super) fn push_claimed(&mut self, place: usize, instance: Instance) {
        self.waiting[place].insert(self.claimed[place], (instance, Came::Claimed));
        self.claimed[place] += 1;
    }

    pub(super) fn leave(&mut self, name: &(Text, Text)) {
        if let Some(times) = self.here.get_mut(name) {
            *times -= 1;
            if *times == 0 {
                self.here.remove(name);
            }
        }
    }
}

/// Waits for an instance to be over, or parked.
pub(super) struct Ear {
    engine: Arc<Engine>,
    name: (Text, Text),
    ended: Arc<Notify>,
}

impl Ear {
    pub(super) fn new(engine: Arc<Engine>, name: (Text, Text)) -> Self {
        let ended = engine.lock().ears.entry(name.clone()).or_default().clone();
        Self { engine, name, ended }
    }

    /// Resolves when it is, in this process.
    pub(super) fn ended(&self) -> Notified<'_> {
        self.ended.notified()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut table = self.engine.lock();
        // The table's and this one: nobody else waits for it.
        if Arc::strong_count(&self.ended) == 2 {
            table.ears.remove(&self.name);
        }
    }
}
