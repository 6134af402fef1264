//! Which queues there are, and which of them take a topic.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::queue::Queue;
use crate::{text::Text, topic};

/// Topics whose queues are remembered. Topics may be computed from payloads, so there is a bound; past it, all are
/// forgotten and those in use are soon known again.
const MOST_REMEMBERED: usize = 4_096;

/// The queues that take one topic.
pub(super) type Targets = Arc<[Arc<Queue>]>;

/// The queues of a transport, by name, and the topics that were looked up.
#[derive(Debug, Default)]
pub(super) struct Routes {
    table: RwLock<Table>,
    /// Changes of the table, one at a time.
    changing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Table {
    queues: BTreeMap<Text, Arc<Queue>>,
    remembered: HashMap<Text, Targets>,
}

impl Table {
    fn lookup(&self, topic: &str) -> Targets {
        self.queues
            .values()
            .filter(|queue| queue.declared.patterns.iter().any(|pattern| topic::matches(pattern, topic)))
            .map(Arc::clone)
            .collect()
    }
}

impl Routes {
    /// The queues that take this topic.
    #[inline]
    pub(super) fn targets(&self, topic: &Text) -> Targets {
        if let Some(targets) = self.read().remembered.get(topic.as_str()) {
            return Arc::clone(targets);
        }
        self.remember(topic)
    }

    #[cold]
    fn remember(&self, topic: &Text) -> Targets {
        let mut table = self.write();
        let targets = table.lookup(topic);
        if table.remembered.len() >= MOST_REMEMBERED {
            table.remembered.clear();
        }
        table.remembered.insert(topic.clone(), Arc::clone(&targets));
        targets
    }

    /// The queue of this name.
    pub(super) fn queue(&self, name: &str) -> Option<Arc<Queue>> {
        self.read().queues.get(name).map(Arc::clone)
    }

    /// All queues, by name.
    pub(super) fn all(&self) -> Vec<Arc<Queue>> {
        self.read().queues.values().map(Arc::clone).collect()
    }

    /// Has `change` look at the queues and say which are to be added, with nobody changing them meanwhile.
    pub(super) fn add<E>(
        &self,
        change: impl FnOnce(&dyn Fn(&str) -> Option<Arc<Queue>>) -> Result<Vec<Queue>, E>,
    ) -> Result<(), E> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let added = change(&|name| self.queue(name))?;
        if added.is_empty() {
            return Ok(());
        }
        let mut table = self.write();
        table.remembered.clear();
        for queue in added {
            table.queues.insert(queue.declared.name.clone(), Arc::new(queue));
        }
        Ok(())
    }

    /// Removes a queue, if it is still this one.
    pub(super) fn remove(&self, queue: &Arc<Queue>) {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut table = self.write();
        if table.queues.get(&*queue.declared.name).is_some_and(|known| Arc::ptr_eq(known, queue)) {
            table.queues.remove(&*queue.declared.name);
            table.remembered.clear();
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}
