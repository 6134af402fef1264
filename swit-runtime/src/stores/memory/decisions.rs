//! The log of decisions in memory.

use std::{
    collections::{BTreeMap, HashMap},
    time::SystemTime,
};

use bytes::Bytes;

use super::{Inner, Lying, MemoryStore};
use crate::{
    id::MessageId,
    store::{Decision, Decisions, Enlisted, Entry, StoreError},
    text::Text,
    transport::BoxFuture,
};

#[derive(Default)]
pub(super) struct Undecided {
    name: Option<Text>,
    entries: BTreeMap<Text, Entry>,
    kept: HashMap<(Text, Text), Kept>,
}

/// What is kept for a participant until the decision.
#[derive(Default)]
struct Kept {
    note: Option<Bytes>,
    held: Vec<Enlisted>,
}

impl Undecided {
    /// Where something is kept for a participant, as long as its transaction is there.
    fn kept(&mut self, id: &str, participant: &str) -> Result<&mut Kept, StoreError> {
        let enrolled = self.entries.get(id).and_then(|entry| entry.participants.iter().find(|p| p.name == participant));
        if enrolled.is_none() {
            return Err(StoreError::NoTransaction { id: id.into() });
        }
        Ok(self.kept.entry((id.into(), participant.into())).or_default())
    }

    /// Notes that a participant is done. Says whether it was not before.
    fn mark(&mut self, id: &str, participant: &str) -> bool {
        let participants = self.entries.get_mut(id).map(|entry| &mut entry.participants);
        let Some(enrolled) = participants.and_then(|all| all.iter_mut().find(|p| p.name == participant)) else {
            return false;
        };
        !std::mem::replace(&mut enrolled.done, true)
    }
}

impl Decisions for MemoryStore {
    fn log_name(&self) -> BoxFuture<'_, Result<Text, StoreError>> {
        Box::pin(async {
            let mut inner = self.0.lock();
            let fresh = || {
                let id = MessageId::new(SystemTime::now()).to_string().replace('-', "");
                Text::from(&id[16..])
            };
            Ok(inner.undecided.name.get_or_insert_with(fresh).clone())
        })
    }

    fn enter<'a>(&'a self, entry: &'a Entry) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let entries = &mut self.0.lock().undecided.entries;
            if entries.contains_key(&entry.id) {
                let source = format!("there is a transaction `{}`", entry.id).into();
                return Err(StoreError::Refused { doing: "beginning a transaction of several participants", source });
            }
            entries.insert(entry.id.clone(), entry.clone());
            Ok(())
        })
    }

    fn decide<'a>(&'a self, id: &'a str, decision: Decision) -> BoxFuture<'a, Result<Decision, StoreError>> {
        Box::pin(async move {
            let entries = &mut self.0.lock().undecided.entries;
            Ok(entries.get_mut(id).map_or(Decision::Aborted, |entry| *entry.decision.get_or_insert(decision)))
        })
    }

    fn done<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.lock().undecided.mark(id, participant);
            Ok(())
        })
    }

    fn erase<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let undecided = &mut self.0.lock().undecided;
            undecided.entries.remove(id);
            undecided.kept.retain(|(of, _), _| *of != id);
            Ok(())
        })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.0.lock().undecided.entries.get(id).cloned()) })
    }

    fn unfinished<'a>(&'a self, behind: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Entry>, StoreError>> {
        Box::pin(async move {
            let entries = &self.0.lock().undecided.entries;
            Ok(entries.values().filter(|entry| *entry.id > *behind).take(limit as usize).cloned().collect())
        })
    }

    fn note<'a>(&'a self, id: &'a str, participant: &'a str, note: Bytes) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.lock().undecided.kept(id, participant)?.note = Some(note);
            Ok(())
        })
    }

    fn noted<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            let inner = self.0.lock();
            Ok(inner.undecided.kept.get(&(id.into(), participant.into())).and_then(|kept| kept.note.clone()))
        })
    }

    fn hold<'a>(
        &'a self,
        id: &'a str,
        participant: &'a str,
        publications: &'a [Enlisted],
        _: SystemTime,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.0.lock().undecided.kept(id, participant)?.held.extend_from_slice(publications);
            Ok(())
        })
    }

    fn release<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<u64, StoreError>> {
        Box::pin(async move {
            let released = {
                let inner: &mut Inner = &mut self.0.lock();
                if !inner.undecided.mark(id, participant) {
                    return Ok(0);
                }
                let held = std::mem::take(&mut inner.undecided.kept(id, participant)?.held);
                let released = held.len();
                for publication in held {
                    inner.last_row += 1;
                    inner.outbox.insert(
                        inner.last_row,
                        Lying { publication, since: std::time::SystemTime::now(), parked: None },
                    );
                }
                released
            };
            if released > 0 {
                self.0.committed.notify_one();
            }
            Ok(released as u64)
        })
    }

    fn discard<'a>(&'a self, id: &'a str, participant: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(kept) = self.0.lock().undecided.kept.get_mut(&(id.into(), participant.into())) {
                kept.held.clear();
            }
            Ok(())
        })
    }
}
