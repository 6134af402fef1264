//! The coordinator: one transaction, from its first line in the log to its last.

use std::{
    collections::HashSet,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use swit_grammar::name::check_name;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    branches::{Branch, Branches, given_back},
    error::{CoordinatorError, Step, TransactionError},
    participant::{Open, TransactionId, TransactionParticipant},
    steps::{Came, all, step, until_done},
    tally::Tally,
};
use crate::{
    alert::{AlertKind, Alerts, Level},
    classify::BoxError,
    clock::Clock,
    failpoint::{Failpoint, Sabotage, hit, is_broken},
    id::MessageId,
    store::{Database, Decision, Decisions, Enrolled, Entry, Recovered, Recovers as _, Store, StoreError},
    text::Text,
    transport::BoxFuture,
};

/// How long a transaction may take from its first line in the log to its decision, and again from there to its end.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most characters of a participant's name: it stands in the names of prepared transactions, of which databases take 200.
const MAX_NAME: usize = 60;

/// Runs transactions over several participants. Cheap to clone; clones are one coordinator.
///
/// ```ignore
/// #[provider]
/// async fn coordinator(database: Database, orders: Orders, messages: Messages) -> Result<Coordinator, CoordinatorError> {
///     Coordinator::on(&database).participant(orders.0).participant(messages.0).open().await
/// }
/// ```
#[derive(Clone)]
pub struct Coordinator(Arc<Inner>);

/// A coordinator that is not open yet.
#[must_use = "it does nothing before `open`"]
pub struct CoordinatorOptions {
    inner: Inner,
    home: Database,
}

/// A coordinator, as its recovery sees it.
pub(super) struct Inner {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Clock,
    pub(super) alerts: Alerts,
    pub(super) name: Text,
    pub(super) log_name: Text,
    pub(super) participants: Vec<(Text, Arc<dyn TransactionParticipant>)>,
    pub(super) timeout: Duration,
    /// What runs in this process, which its recovery leaves alone.
    pub(super) running: Mutex<HashSet<Text>>,
    pub(super) tally: Tally,
}

impl Coordinator {
    /// A coordinator that keeps its log in this database, by the name of the service, with a timeout of 30 s.
    pub fn on(database: &Database) -> CoordinatorOptions {
        let scope = database.scope();
        CoordinatorOptions {
            inner: Inner {
                store: database.store().clone(),
                clock: scope.clock().clone(),
                alerts: scope.alerts().clone(),
                name: scope.service().name.clone(),
                log_name: Text::default(),
                participants: Vec::new(),
                timeout: TIMEOUT,
                running: Mutex::default(),
                tally: Tally::default(),
            },
            home: database.clone(),
        }
    }

    /// Runs a transaction: opens all participants, runs the business function in what they have open, prepares all, decides,
    /// and commits all. If it returns `Ok`, all have committed; where anything fails before the decision, all roll back.
    ///
    /// Dropped before it has an outcome, what becomes of the transaction is for recovery to say: it is aborted, or, after the
    /// decision, committed.
    ///
    /// # Errors
    /// [`TransactionError`] says what became of it: [`state`](TransactionError::state) `rolled_back`, or `failed` and
    /// `in_doubt`, with which recovery goes on.
    pub async fn execute<F, R, T, E>(&self, business: F) -> Result<T, TransactionError>
    where
        F: FnOnce(Branches) -> R,
        R: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let counted = self.0.tally.begin();
        let outcome = self.run(business).await;
        counted.ended(&outcome);
        outcome
    }

    async fn run<F, R, T, E>(&self, business: F) -> Result<T, TransactionError>
    where
        F: FnOnce(Branches) -> R,
        R: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let inner = &*self.0;
        let transaction = inner.begin().await?;
        let mut parts: Vec<Branch> = inner.participants.iter().map(|(name, _)| (name.clone(), None)).collect();
        let outcome = match transaction.open(&mut parts).await {
            Ok(()) => transaction.business(&mut parts, business).await,
            Err(cause) => Err(cause),
        };
        let outcome = match outcome {
            Ok(value) => transaction.prepare(&mut parts).await.map(|()| value),
            Err(cause) => Err(cause),
        };
        let value = match outcome {
            Ok(value) => value,
            Err(cause) => return Err(transaction.abort(parts, cause).await),
        };
        if is_broken(Sabotage::CommitUndecided) {
            for (_, participant) in &inner.participants {
                let _ = commit(participant, &transaction.id).await;
                hit(Failpoint::TwoPhaseCommitted);
            }
        }
        match transaction.decide().await {
            Some(Decision::Committed) => transaction.commit().await.map(|()| value),
            Some(Decision::Aborted) => Err(transaction.abort(parts, TransactionError::TooLate).await),
            None => Err(transaction.in_doubt(None, inner.participants.iter().map(|(name, _)| name.clone()).collect())),
        }
    }

    /// Its name, which stands in the log.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Goes on now with what is not over: what was decided is done, what was not is aborted once its deadline has passed, and
    /// what the log does not know is rolled back. A running service does so by itself, at its start and every 10 s.
    ///
    /// # Errors
    /// The log can't be read. What participants say is logged: they are asked again next time.
    pub async fn recover(&self) -> Result<Recovered, StoreError> {
        self.0.recover().await
    }
}

impl CoordinatorOptions {
    /// With this participant. Keep a clone of it: the business function finds what it has open by it.
    pub fn participant(mut self, participant: impl TransactionParticipant) -> Self {
        let name = participant.name().into();
        self.inner.participants.push((name, Arc::new(participant)));
        self
    }

    /// With this much time from the first line in the log to the decision, and again from there to the end. What is not
    /// done by then is left to recovery.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.inner.timeout = timeout;
        self
    }

    /// With this name, where a service has several: no other coordinator on the same database has it. It stays the same as
    /// long as transactions are not over.
    pub fn named(mut self, name: impl Into<Text>) -> Self {
        self.inner.name = name.into();
        self
    }

    /// Opens it: from now on, what it left unfinished is recovered.
    ///
    /// # Errors
    /// [`CoordinatorError`]: names that are none, a participant that can't take part, or a log that can't be read.
    pub async fn open(self) -> Result<Coordinator, CoordinatorError> {
        let mut inner = self.inner;
        check_name(&inner.name).map_err(CoordinatorError::Name)?;
        if inner.participants.is_empty() {
            return Err(CoordinatorError::Nobody { coordinator: inner.name });
        }
        let mut names = HashSet::new();
        for (name, participant) in &inner.participants {
            check_name(name).map_err(CoordinatorError::Name)?;
            if name.len() > MAX_NAME {
                let message = format!("the name of the participant `{name}` has {} characters", name.len());
                let help = format!("use at most {MAX_NAME}");
                return Err(CoordinatorError::Name(swit_grammar::Fault::new(message, help)));
            }
            if !names.insert(name.clone()) {
                return Err(CoordinatorError::Twice { coordinator: inner.name.clone(), participant: name.clone() });
            }
            let unfit = |source| CoordinatorError::Unfit { participant: name.clone(), source };
            participant.check().await.map_err(unfit)?;
        }
        let log_name = inner.store.decisions().log_name().await;
        inner.log_name = log_name.map_err(|source| CoordinatorError::Log { source })?;
        let inner = Arc::new(inner);
        self.home.scope().recoveries().add(inner.name.clone(), inner.clone());
        Ok(Coordinator(inner))
    }
}

impl Inner {
    pub(super) fn log(&self) -> &dyn Decisions {
        self.store.decisions()
    }

    async fn begin(&self) -> Result<Transaction<'_>, TransactionError> {
        let now = self.clock.now();
        let id = Text::from(MessageId::new(now).to_string());
        let enrolled = |(name, _): &(Text, _)| Enrolled { name: name.clone(), done: false };
        let entry = Entry {
            id: id.clone(),
            coordinator: self.name.clone(),
            begun: now,
            deadline: now + self.timeout,
            decision: None,
            participants: self.participants.iter().map(enrolled).collect(),
        };
        let deadline = Instant::now() + self.timeout;
        self.running().insert(id.clone());
        let id = TransactionId::new(self.log_name.clone(), id);
        let transaction = Transaction { of: self, id, deadline };
        match timeout_at(deadline, self.log().enter(&entry)).await {
            Ok(Ok(())) => {}
            // What may have been written all the same, recovery finds and forgets.
            Ok(Err(source)) => return Err(TransactionError::Log { source }),
            Err(_) => return Err(TransactionError::TimedOut { step: Step::Log, timeout: self.timeout }),
        }
        hit(Failpoint::TwoPhaseBegun);
        Ok(transaction)
    }

    pub(super) fn running(&self) -> std::sync::MutexGuard<'_, HashSet<Text>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that is underway here.
struct Transaction<'a> {
    of: &'a Inner,
    id: TransactionId,
    /// Until when it has to be decided.
    deadline: Instant,
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        self.of.running().remove(self.id.id());
    }
}

impl Transaction<'_> {
    /// Opens all participants.
    async fn open(&self, parts: &mut [Branch]) -> Result<(), TransactionError> {
        let begin = |(_, participant): &'_ (Text, Arc<dyn TransactionParticipant>)| {
            let participant = participant.clone();
            let (id, until) = (self.id.clone(), self.deadline);
            Box::pin(async move { step(until, || participant.begin(&id)).await }) as BoxFuture<'static, Came<Open>>
        };
        let came = all(self.of.participants.iter().map(begin).collect()).await;
        let mut failed = Ok(());
        for ((name, part), came) in parts.iter_mut().zip(came) {
            if !came.is_well() && failed.is_ok() {
                failed = Err(self.failed(name, Step::Begin, came));
            } else {
                *part = came.well();
            }
        }
        hit(Failpoint::TwoPhaseOpen);
        failed
    }

    /// Runs the business function, with all that is open lent to it.
    async fn business<F, R, T, E>(&self, parts: &mut Vec<Branch>, business: F) -> Result<T, TransactionError>
    where
        F: FnOnce(Branches) -> R,
        R: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let (branches, home) = Branches::lend(self.id.clone(), std::mem::take(parts));
        let outcome = timeout_at(self.deadline, guarded(move || business(branches))).await;
        let back = given_back(&home);
        let is_back = back.is_some();
        *parts = back.unwrap_or_default();
        let timeout = self.of.timeout;
        match outcome {
            Err(_) => Err(TransactionError::TimedOut { step: Step::Business, timeout }),
            Ok(None) => Err(TransactionError::Panicked { step: Step::Business }),
            Ok(Some(Err(error))) => Err(TransactionError::Business { source: error.into() }),
            Ok(Some(Ok(_))) if !is_back => Err(TransactionError::Kept),
            Ok(Some(Ok(value))) => Ok(value),
        }
    }

    /// Prepares all participants.
    async fn prepare(&self, parts: &mut [Branch]) -> Result<(), TransactionError> {
        hit(Failpoint::TwoPhaseUnprepared);
        let opened = parts.iter_mut().filter_map(|(name, part)| Some((name.clone(), part.take()?)));
        let prepare = |(name, part): (Text, Open)| {
            let participant = self.of.participant(&name);
            let (id, until) = (self.id.clone(), self.deadline);
            Box::pin(async move {
                let came = match &participant {
                    Some(participant) => step(until, || participant.prepare(&id, part)).await,
                    None => Came::Late,
                };
                hit(Failpoint::TwoPhasePrepared);
                (name, came)
            }) as BoxFuture<'static, (Text, Came<()>)>
        };
        let came = all(opened.map(prepare).collect()).await;
        let failed = came.into_iter().find(|(_, came)| !came.is_well());
        failed.map_or(Ok(()), |(name, came)| Err(self.failed(&name, Step::Prepare, came)))
    }

    fn failed<T>(&self, participant: &Text, step: Step, came: Came<T>) -> TransactionError {
        match came {
            Came::Badly(source) => TransactionError::Participant { participant: participant.clone(), step, source },
            Came::Panicked => TransactionError::Panicked { step },
            Came::Well(_) | Came::Late => TransactionError::TimedOut { step, timeout: self.of.timeout },
        }
    }

    /// Writes the decision to commit. Says what is decided; `None`: nobody knows.
    async fn decide(&self) -> Option<Decision> {
        hit(Failpoint::TwoPhaseUndecided);
        let end = Instant::now() + self.of.timeout;
        let mut wait = Duration::from_millis(20);
        let mut asked_before = false;
        loop {
            match timeout_at(end, self.of.log().decide(self.id.id(), Decision::Committed)).await {
                // The first answer may have been lost, the decision written, and all of it be done and forgotten by now.
                Ok(Ok(Decision::Aborted)) if asked_before => return None,
                Ok(Ok(decision)) => {
                    hit(Failpoint::TwoPhaseDecided);
                    return Some(decision);
                }
                Ok(Err(error)) if Instant::now() + wait < end => {
                    let error = crate::outcome::one_line(&error);
                    tracing::warn!(transaction = %self.id, error, "the decision can't be written; it is tried again");
                }
                Ok(Err(_)) | Err(_) => return None,
            }
            asked_before = true;
            sleep(wait).await;
            wait = (wait * 2).min(Duration::from_secs(2));
        }
    }

    /// Commits all participants. There is no way back from here.
    async fn commit(&self) -> Result<(), TransactionError> {
        let commit = |(name, participant): &(Text, Arc<dyn TransactionParticipant>)| {
            let (name, participant) = (name.clone(), participant.clone());
            let (id, patience) = (self.id.clone(), self.of.timeout);
            Box::pin(async move {
                let done = until_done(id.id(), &name, "committing", patience, || commit(&participant, &id)).await;
                hit(Failpoint::TwoPhaseCommitted);
                (name, done)
            }) as BoxFuture<'static, (Text, bool)>
        };
        let came = all(self.of.participants.iter().map(commit).collect()).await;
        let pending = self.settle(came).await;
        if pending.is_empty() { Ok(()) } else { Err(self.in_doubt(Some(Decision::Committed), pending)) }
    }

    /// Rolls all participants back. Says why, and whether they did.
    async fn abort(&self, parts: Vec<Branch>, cause: TransactionError) -> TransactionError {
        hit(Failpoint::TwoPhaseAborting);
        let mut parts = parts;
        let rollback = |(name, participant): &(Text, Arc<dyn TransactionParticipant>)| {
            let (name, participant) = (name.clone(), participant.clone());
            let mut open = parts.iter_mut().find(|(of, _)| *of == name).and_then(|(_, part)| part.take());
            let (id, patience) = (self.id.clone(), self.of.timeout);
            Box::pin(async move {
                let again = || rollback(&participant, &id, open.take());
                let done = until_done(id.id(), &name, "rolling back", patience, again).await;
                hit(Failpoint::TwoPhaseRolledBack);
                (name, done)
            }) as BoxFuture<'static, (Text, bool)>
        };
        let came = all(self.of.participants.iter().map(rollback).collect()).await;
        let all_done = came.iter().all(|(_, done)| *done);
        if !all_done {
            // Recovery need not wait for the deadline then. If it can't be written, it has to.
            let _ = timeout_at(self.patience(), self.of.log().decide(self.id.id(), Decision::Aborted)).await;
        }
        let pending = self.settle(came).await;
        if pending.is_empty() {
            return cause;
        }
        self.tell(&pending, "is aborted, but not rolled back yet");
        TransactionError::NotRolledBack { id: self.id.id().clone(), pending, cause: Box::new(cause) }
    }

    /// Writes down who is done; where all are, the transaction is forgotten. Says who is not.
    async fn settle(&self, came: Vec<(Text, bool)>) -> Vec<Text> {
        let (done, pending): (Vec<_>, Vec<_>) = came.into_iter().partition(|(_, done)| *done);
        let (id, log) = (self.id.id(), self.of.log());
        let written = async {
            if pending.is_empty() {
                return log.erase(id).await;
            }
            for (name, _) in &done {
                log.done(id, name).await?;
            }
            Ok(())
        };
        match timeout_at(self.patience(), written).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = crate::outcome::one_line(&error);
                tracing::warn!(transaction = %self.id, error, "who is done can't be written; recovery asks all again");
            }
            Err(_) => tracing::warn!(transaction = %self.id, "who is done can't be written; recovery asks all again"),
        }
        hit(Failpoint::TwoPhaseForgotten);
        pending.into_iter().map(|(name, _)| name).collect()
    }

    /// How long is waited for a line in the log that recovery could do without.
    fn patience(&self) -> Instant {
        Instant::now() + self.of.timeout.min(Duration::from_secs(5))
    }

    fn in_doubt(&self, decision: Option<Decision>, pending: Vec<Text>) -> TransactionError {
        self.tell(&pending, "is in doubt");
        TransactionError::InDoubt { id: self.id.id().clone(), decision, pending }
    }

    fn tell(&self, pending: &[Text], what: &str) {
        let told = format!("the transaction {} {what} at {}; recovery goes on", self.id, pending.join(", "));
        self.of.alerts.note(Level::Error, AlertKind::TransactionUnfinished, &self.of.name, &told);
    }
}

impl Inner {
    pub(super) fn participant(&self, name: &str) -> Option<Arc<dyn TransactionParticipant>> {
        self.participants.iter().find(|(of, _)| *of == *name).map(|(_, participant)| participant.clone())
    }
}

/// A future of its own, which owns what it works on.
pub(super) fn commit(
    participant: &Arc<dyn TransactionParticipant>,
    id: &TransactionId,
) -> BoxFuture<'static, Result<(), BoxError>> {
    let (participant, id) = (participant.clone(), id.clone());
    Box::pin(async move { participant.commit(&id).await })
}

/// A future of its own, which owns what it works on.
pub(super) fn rollback(
    participant: &Arc<dyn TransactionParticipant>,
    id: &TransactionId,
    open: Option<Open>,
) -> BoxFuture<'static, Result<(), BoxError>> {
    let (participant, id) = (participant.clone(), id.clone());
    Box::pin(async move { participant.rollback(&id, open).await })
}

/// The business function behind a wall: `None`, if it panics as it is made or run.
async fn guarded<R: Future>(make: impl FnOnce() -> R) -> Option<R::Output> {
    let mut running = Box::pin(catch_unwind(AssertUnwindSafe(make)).ok()?);
    poll_fn(move |task| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(task))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let participants: Vec<_> = self.0.participants.iter().map(|(name, _)| name).collect();
        f.debug_struct("Coordinator")
            .field("name", &self.0.name)
            .field("participants", &participants)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CoordinatorOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoordinatorOptions").field("name", &self.inner.name).finish_non_exhaustive()
    }
}
