//! Declaring queues: all of a call or none, and the same again changes nothing.

use std::{collections::HashMap, sync::Arc};

use super::{core::Core, queue::Queue};
use crate::{error::TransportError, text::Text, topic, transport};

impl Core {
    /// Makes these queues exist, and the dead-letter queues that they name.
    pub(super) fn declare(&self, queues: &[transport::Queue]) -> Result<(), TransportError> {
        self.open("declare")?;
        let make = |queue: &transport::Queue| Queue::new(queue.clone(), self.options.capacity, Arc::clone(&self.hub));
        self.routes.add(|known| {
            let mut added: HashMap<&Text, &transport::Queue> = HashMap::new();
            for queue in queues.iter().filter(|queue| !queue.existing) {
                self.check(queue)?;
                match (known(&queue.name), added.get(&queue.name)) {
                    (Some(known), _) => self.compare(&known.declared, queue)?,
                    (None, Some(earlier)) => self.compare(earlier, queue)?,
                    (None, None) => drop(added.insert(&queue.name, queue)),
                }
            }
            for queue in queues.iter().filter(|queue| queue.existing) {
                if known(&queue.name).is_none() && !added.contains_key(&queue.name) {
                    return Err(self.error(
                        "declare",
                        format!("the queue `{}` does not exist; declare it, or correct its name", queue.name),
                    ));
                }
            }
            let missing: HashMap<&Text, transport::Queue> = queues
                .iter()
                .filter_map(|queue| queue.dead_letter.as_ref())
                .filter(|name| known(name).is_none() && !added.contains_key(name))
                .map(|name| (name, transport::Queue::dead_letter(name.clone())))
                .collect();
            Ok(added.values().copied().chain(missing.values()).map(make).collect())
        })
    }

    /// Takes a queue back, if nobody consumes it and it may go.
    pub(super) fn withdraw(
        &self,
        queue: &transport::Queue,
        with_messages: bool,
    ) -> Result<transport::Deleted, TransportError> {
        self.open("withdraw")?;
        let Some(known) = self.routes.queue(&queue.name) else { return Ok(transport::Deleted::Gone(0)) };
        let deleted = known.withdraw(with_messages);
        if matches!(deleted, transport::Deleted::Gone(_)) {
            self.routes.remove(&known);
        }
        Ok(deleted)
    }

    fn check(&self, queue: &transport::Queue) -> Result<(), TransportError> {
        if queue.name.is_empty() {
            return Err(self.error("declare", "a queue has an empty name; give it one"));
        }
        for pattern in &queue.patterns {
            topic::check_pattern(pattern).map_err(|fault| {
                self.error("declare", format!("the queue `{}` has a bad pattern: {fault}", queue.name))
            })?;
        }
        if queue.role == transport::QueueRole::DeadLetter && !queue.patterns.is_empty() {
            return Err(self.error(
                "declare",
                format!("the dead-letter queue `{}` has patterns; it is addressed by name only", queue.name),
            ));
        }
        Ok(())
    }

    /// What is there must be what is asked for.
    fn compare(&self, known: &transport::Queue, asked: &transport::Queue) -> Result<(), TransportError> {
        let sorted = |queue: &transport::Queue| {
            let mut patterns = queue.patterns.clone();
            patterns.sort_unstable();
            patterns.dedup();
            patterns
        };
        let what = if known.role != asked.role {
            "another role"
        } else if sorted(known) != sorted(asked) {
            "other patterns"
        } else if known.dead_letter != asked.dead_letter {
            "another dead-letter queue"
        } else if known.single_active != asked.single_active {
            "another `single_active`"
        } else if known.exclusive != asked.exclusive {
            "another `exclusive`"
        } else {
            return Ok(());
        };
        Err(self.error(
            "declare",
            format!("the queue `{}` exists with {what}; declare it alike, or under another name", asked.name),
        ))
    }
}
