//! Sagas in a store: one row an instance, who runs it, what it waits for; and the states of those that are choreographed.
//!
//! Nobody's clock is compared with anybody else's but for moments that a saga itself names (timers, timeouts, backoff). A
//! process that runs sagas is a member; it shows that it lives by changing a number.

use std::{fmt, time::SystemTime};

use bytes::Bytes;

use super::StoreError;
use crate::{message::Message, text::Text, transport::BoxFuture};

/// Due before anything else, whatever the clock of whoever looks says.
pub(crate) const AT_ONCE: SystemTime = SystemTime::UNIX_EPOCH;

/// Where an instance of a saga is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SagaState {
    /// Started; no step of it is known to have ended.
    Pending,
    /// A step runs, or may have run: that it begins was written down before.
    Running,
    /// It rests between two steps: until a moment, for an event, or for the next attempt.
    StepCompleted,
    /// All steps are done.
    Completed,
    /// What was done is being undone.
    Compensating,
    /// A step failed, and what was done before it is undone.
    Compensated,
    /// A compensation failed for good: it is parked until somebody looks.
    Failed,
    /// It was cancelled, and what was done is undone.
    Cancelled,
    /// Its time was over, and what was done is undone.
    TimedOut,
}

impl SagaState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Pending,
        Self::Running,
        Self::StepCompleted,
        Self::Completed,
        Self::Compensating,
        Self::Compensated,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::StepCompleted => "step_completed",
            Self::Completed => "completed",
            Self::Compensating => "compensating",
            Self::Compensated => "compensated",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// The one that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The same, where nobody runs it now.
    pub(crate) const fn at_rest(self) -> Self {
        match self {
            Self::Running => Self::StepCompleted,
            other => other,
        }
    }

    /// Whether it may be called back where it rests.
    pub(crate) const fn is_at_rest_going_forward(self) -> bool {
        matches!(self, Self::Pending | Self::StepCompleted)
    }

    /// Whether no event is taken in for it any more.
    pub(crate) const fn is_closed(self) -> bool {
        self.is_finished() || matches!(self, Self::Compensating | Self::Failed)
    }

    /// Whether nothing more happens to it.
    pub const fn is_finished(self) -> bool {
        matches!(self, Self::Completed | Self::Compensated | Self::Cancelled | Self::TimedOut)
    }
}

impl fmt::Display for SagaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What somebody outside wants of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SagaWish {
    /// What was done is to be undone; the end is [`Cancelled`](SagaState::Cancelled).
    Cancel,
    /// What was done is to be undone; the end is [`Compensated`](SagaState::Compensated).
    Compensate,
}

impl SagaWish {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Compensate => "compensate",
        }
    }

    /// The one that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Cancel, Self::Compensate].into_iter().find(|wish| wish.as_str() == text)
    }
}

/// An instance of a saga: its row.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// The saga's name.
    pub saga: Text,
    /// Its key: there is one instance a saga and key.
    pub key: Text,
    /// Its id, which no other instance has, of whatever saga.
    pub id: Text,
    /// The version of the definition that it was started under.
    pub version: u32,
    /// How often the row was written; 0 at first. [`Sagas::save`] writes over the revision that it read, and no other.
    pub revision: i64,
    /// Where it is.
    pub state: SagaState,
    /// The member that runs it; empty: nobody does.
    pub owner: Text,
    /// The step whose event it waits for.
    pub waits: Option<Text>,
    /// When somebody has to go on with it, while nobody runs it.
    pub due: Option<SystemTime>,
    /// Why nobody goes on with it, until somebody says so.
    pub parked: Option<Text>,
    /// What somebody outside wants of it. Written by [`Sagas::wish`] alone: saving changes nothing of it.
    pub wish: Option<SagaWish>,
    /// What it was started with: JSON, never changed.
    pub opening: Text,
    /// What has happened so far: JSON.
    pub journal: Text,
    /// When it was started.
    pub started_at: SystemTime,
    /// When it was saved last.
    pub updated_at: SystemTime,
}

/// What came of saving an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// It was saved, as the next revision.
    Yes {
        /// What somebody outside wants of it.
        wish: Option<SagaWish>,
        /// Whether the event that it waits for is there already. Looked up while nobody else can bring it.
        mail: bool,
    },
    /// It was not: the row has another revision or another owner. Somebody took it over.
    Lost,
}

/// What came of an event for an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// There is no such instance.
    NoInstance,
    /// It is over, or is being undone, and never got it.
    Finished(SagaState),
    /// It has one for this step already.
    Duplicate,
    /// It is kept until the instance gets there.
    Kept,
    /// It was waited for: the instance is due now.
    Awaited,
}

/// Which instances are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SagaFilter {
    /// Of this saga alone.
    pub saga: Option<Text>,
    /// In this state alone.
    pub state: Option<SagaState>,
    /// Parked ones alone.
    pub parked: bool,
}

/// How many instances of a saga are in a state, finished ones not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SagaCount {
    /// The saga.
    pub saga: Text,
    /// Where they are.
    pub state: SagaState,
    /// Whether they are parked.
    pub parked: bool,
    /// How many.
    pub count: u64,
}

/// Instances of sagas, outside of transactions.
pub trait Sagas: Send + Sync {
    /// The instance with this key.
    fn load<'a>(&'a self, saga: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Instance>, StoreError>>;

    /// The first so many instances behind this one, by saga and key.
    fn list<'a>(
        &'a self,
        filter: &'a SagaFilter,
        behind: Option<(&'a str, &'a str)>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>>;

    /// Takes instances of these sagas that are due, not parked and nobody's, those first that are due longest: each is the member's then, has
    /// no moment at which it is due, and is one revision further. Of several members each gets others.
    fn claim<'a>(
        &'a self,
        member: &'a str,
        sagas: &'a [Text],
        now: SystemTime,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>>;

    /// When the next instance of these sagas is due that is nobody's.
    fn next_due<'a>(&'a self, sagas: &'a [Text]) -> BoxFuture<'a, Result<Option<SystemTime>, StoreError>>;

    /// The instances that are this member's.
    fn owned<'a>(&'a self, member: &'a str, limit: u32) -> BoxFuture<'a, Result<Vec<Instance>, StoreError>>;

    /// Has the instances of a member that is dead be due now, nobody's and one revision further, if its number still is
    /// `beat`; `None`: whatever it is. Says how many.
    fn orphan<'a>(
        &'a self,
        dead: &'a str,
        beat: Option<i64>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<u64, StoreError>>;

    /// Saves an instance by itself, if its row still has this revision and was this owner's: `owner` is whose it was,
    /// `instance.owner` whose it is from now on. One that is laid to rest, is not undone and is wanted back is due at once.
    fn save<'a>(
        &'a self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>>;

    /// Notes what somebody wants of an instance that is not finished, parked or not; nobody's is due now, and not parked any more. Says
    /// where it is; `None`: there is none.
    fn wish<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        wish: SagaWish,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Option<SagaState>, StoreError>>;

    /// Has a parked instance be due now. Says whether it was parked.
    fn resume<'a>(&'a self, saga: &'a str, key: &'a str, now: SystemTime) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// The event that came for a step.
    fn mail<'a>(
        &'a self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
    ) -> BoxFuture<'a, Result<Option<Message>, StoreError>>;

    /// Forgets at most so many instances that were finished before then, with their events. Says how many.
    fn forget_finished(&self, before: SystemTime, limit: u32) -> BoxFuture<'_, Result<u64, StoreError>>;

    /// How many are where, finished ones not counted.
    fn counts(&self) -> BoxFuture<'_, Result<Vec<SagaCount>, StoreError>>;

    /// Shows that a member lives.
    fn beat<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The members, each with a number that changes whenever it shows that it lives, and the owners of instances that are no
    /// member, each with 0.
    fn members(&self) -> BoxFuture<'_, Result<Vec<(Text, i64)>, StoreError>>;

    /// Forgets a member.
    fn leave<'a>(&'a self, member: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// A state of a choreographed saga, with its version, which is 1 at first.
    fn state<'a>(&'a self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>>;
}

/// What an open transaction does to sagas.
pub trait SagaWork: Send {
    /// Starts an instance, unless its saga has one with this key. Says whether it did. While another transaction starts it,
    /// this waits for what becomes of it.
    fn start_saga<'a>(&'a mut self, instance: &'a Instance) -> BoxFuture<'a, Result<bool, StoreError>>;

    /// As [`Sagas::save`], with the transaction.
    fn save_saga<'a>(
        &'a mut self,
        instance: &'a Instance,
        owner: &'a str,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Saved, StoreError>>;

    /// Keeps an event for a step of an instance; one that is waited for has the instance be due now.
    fn deliver_to_saga<'a>(
        &'a mut self,
        saga: &'a str,
        key: &'a str,
        step: &'a str,
        message: &'a Message,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<Delivered, StoreError>>;

    /// A state of a choreographed saga, with its version, as this transaction sees it.
    fn state<'a>(&'a mut self, kind: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<(i64, Bytes)>, StoreError>>;

    /// Writes a state over this version; `None`: there is none yet. `body` `None` removes it. Says whether it did: if not,
    /// somebody else wrote it.
    fn set_state<'a>(
        &'a mut self,
        kind: &'a str,
        key: &'a str,
        version: Option<i64>,
        body: Option<Bytes>,
        now: SystemTime,
    ) -> BoxFuture<'a, Result<bool, StoreError>>;
}
