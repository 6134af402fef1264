//! The one transaction of an attempt, lent to whoever writes in it.
//!
//! Guarantee: whoever began the attempt commits, after everybody gave the transaction back; if that never happens, nothing
//! is committed.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use tokio::sync::Notify;

use super::{Enlisted, StoreError, Turn, Work};
use crate::{
    error::PublishError,
    failpoint::{self, Failpoint, Sabotage},
    id::MessageId,
    text::Text,
};

/// The one transaction of an attempt.
#[derive(Default)]
pub(crate) struct Lease {
    held: Mutex<Held>,
    /// Publications that have started and are not among those that are held.
    underway: AtomicUsize,
    arrived: Notify,
    /// Who claimed which message in it.
    claim: Option<(Text, MessageId)>,
    /// What nobody else gets as long as it is open.
    turn: Option<Turn>,
    /// It has a transaction, or had.
    transacts: bool,
}

#[derive(Default)]
struct Held {
    work: Option<Box<dyn Work>>,
    /// What is published in it, to be written when it is committed.
    enlisted: Vec<Enlisted>,
    /// Nothing is given back any more: it is committed, or has failed.
    closed: bool,
    /// What is done once it is known what became of it.
    then: Vec<Then>,
}

/// What is done once it is known what became of a transaction. It does not wait, and does not panic. Dropped: nobody knows.
pub(crate) type Then = Box<dyn FnOnce(Fate) + Send>;

/// What became of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    Undone,
}

/// What a transaction consists of, once nobody writes in it any more.
pub(crate) struct Parts {
    /// `None`: there is none, or somebody still has it.
    pub(crate) work: Option<Box<dyn Work>>,
    /// What was published in it.
    pub(crate) enlisted: Vec<Enlisted>,
    /// What is done once it is known what became of it.
    pub(crate) then: Vec<Then>,
}

impl Lease {
    pub(crate) fn new(work: Box<dyn Work>) -> Self {
        let turn = work.turn();
        let held = Mutex::new(Held { work: Some(work), ..Held::default() });
        Self { held, turn, transacts: true, ..Self::default() }
    }

    /// In which this claimant claimed this message.
    pub(crate) fn claimed(work: Box<dyn Work>, claimant: Text, message: MessageId) -> Self {
        Self { claim: Some((claimant, message)), ..Self::new(work) }
    }

    /// Who claimed which message in it.
    pub(super) fn claim(&self) -> Option<&(Text, MessageId)> {
        self.claim.as_ref()
    }

    /// The turn to write that it has, where its database has one writer at a time.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.turn
    }

    /// Takes the transaction; `None`: somebody has it, or it is over.
    pub(super) fn take(&self) -> Option<Box<dyn Work>> {
        self.lock().work.take()
    }

    /// Gives it back. One that is over is dropped.
    pub(super) fn give_back(&self, work: Box<dyn Work>) {
        let mut held = self.lock();
        if !held.closed {
            held.work = Some(work);
        }
    }

    /// A publication begins that belongs to it.
    pub(crate) fn joined(self: &Arc<Self>) -> Joined {
        self.underway.fetch_add(1, Ordering::Relaxed);
        Joined(self.clone())
    }

    /// It is over; what was not committed is undone.
    pub(crate) fn abandon(&self) {
        for then in self.close().then {
            then(Fate::Undone);
        }
    }

    /// Does this once it is known what became of it.
    pub(crate) fn then(&self, then: Then) {
        self.lock().then.push(then);
    }

    /// Whether it has a transaction, or had.
    pub(crate) fn had_work(&self) -> bool {
        self.transacts
    }

    fn close(&self) -> Parts {
        let mut held = self.lock();
        held.closed = true;
        let Held { work, enlisted, then, .. } = &mut *held;
        Parts { work: work.take(), enlisted: std::mem::take(enlisted), then: std::mem::take(then) }
    }

    /// What it consists of, for whoever commits it. Nothing more is taken in.
    pub(crate) async fn parts(&self) -> Parts {
        self.arrived().await;
        self.close()
    }

    /// Writes what was published and commits.
    ///
    /// # Errors
    /// Somebody still has the transaction ([`StoreError::Over`]), or the database did not do it.
    pub(crate) async fn commit(&self, now: SystemTime) -> Result<(), StoreError> {
        let Parts { work, enlisted, then } = self.parts().await;
        let Some(mut work) = work else { return Err(StoreError::Over) };
        if !enlisted.is_empty() {
            work.enlist(&enlisted, now).await?;
        }
        failpoint::hit(Failpoint::BeforeCommit);
        match work.commit().await {
            Err(StoreError::Unavailable { .. }) if failpoint::is_broken(Sabotage::TrustALostCommit) => {}
            committed => committed?,
        }
        failpoint::hit(Failpoint::AfterCommit);
        for then in then {
            then(Fate::Committed);
        }
        Ok(())
    }

    /// What was published in it, which has no transaction of its own. Nothing more is taken in.
    pub(crate) async fn gather(&self) -> Vec<Enlisted> {
        self.parts().await.enlisted
    }

    /// What goes through middleware arrives when it arrives.
    async fn arrived(&self) {
        loop {
            let arrived = self.arrived.notified();
            if self.underway.load(Ordering::Acquire) == 0 {
                return;
            }
            arrived.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

/// A publication that belongs to a transaction and is on its way into it.
pub(crate) struct Joined(Arc<Lease>);

impl Joined {
    /// It is there.
    ///
    /// # Errors
    /// The transaction is over.
    pub(crate) fn enlist(&self, publication: Enlisted) -> Result<(), PublishError> {
        let mut held = self.0.lock();
        if held.closed {
            return Err(PublishError::TransactionOver { topic: publication.message.topic });
        }
        held.enlisted.push(publication);
        Ok(())
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if self.0.underway.fetch_sub(1, Ordering::Release) == 1 {
            self.0.arrived.notify_waiters();
        }
    }
}

impl fmt::Debug for Joined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Joined")
    }
}
