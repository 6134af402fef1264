//! The open parts of a transaction, lent to the business function.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    error::NotOpen,
    participant::{Open, Opens, TransactionId},
};
use crate::text::Text;

/// A participant's name, with what it has open.
pub(super) type Branch = (Text, Option<Open>);

/// The open parts of a transaction, one of each participant. They are lent: the coordinator prepares and commits them after
/// the business function returned `Ok`; kept longer than it runs, the transaction is rolled back.
pub struct Branches {
    id: TransactionId,
    /// Empty only while it is dropped.
    parts: Vec<Branch>,
    home: Home,
}

/// Where they are given back to.
pub(super) type Home = Arc<Mutex<Option<Vec<Branch>>>>;

impl Branches {
    pub(super) fn lend(id: TransactionId, parts: Vec<Branch>) -> (Self, Home) {
        let home = Home::default();
        (Self { id, parts, home: home.clone() }, home)
    }

    /// Which transaction it is.
    pub fn id(&self) -> &TransactionId {
        &self.id
    }

    /// What this participant has open.
    ///
    /// # Errors
    /// It does not take part, or has something else open than it says.
    pub fn of<P: Opens>(&mut self, participant: &P) -> Result<&mut P::Part, NotOpen> {
        let name = participant.name();
        let part = self.parts.iter_mut().find(|(of, _)| *of == *name);
        let part = part.and_then(|(_, open)| open.as_mut()).and_then(|open| open.downcast_mut());
        part.ok_or_else(|| NotOpen { participant: name.into() })
    }
}

impl Drop for Branches {
    fn drop(&mut self) {
        *self.home.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::mem::take(&mut self.parts));
    }
}

/// What was given back; `None`: somebody still has it.
pub(super) fn given_back(home: &Home) -> Option<Vec<Branch>> {
    home.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl fmt::Debug for Branches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parts.iter().map(|(name, _)| name).collect();
        f.debug_struct("Branches").field("id", &self.id).field("of", &names).finish_non_exhaustive()
    }
}
