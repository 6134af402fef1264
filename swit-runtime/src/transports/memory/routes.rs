//! Which queues there are, and which of them take a topic.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use foldhash::fast::RandomState;

use super::queue::Queue;
use crate::{message::Message, text::Text, topic};

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
    remembered: HashMap<Text, Targets, RandomState>,
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
    /// Gives a message to the queues that take its topic, by `put`, which must not change the routes.
    ///
    /// The queues are lent, not given: one reference count less that all publishers share.
    #[inline]
    pub(super) fn route<T>(&self, message: &mut Message, put: impl FnOnce(&Targets, &mut Message) -> T) -> T {
        let table = self.read();
        if let Some(targets) = table.remembered.get(message.topic.as_str()) {
            return put(targets, message);
        }
        drop(table);
        put(&self.remember(&message.topic), message)
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
