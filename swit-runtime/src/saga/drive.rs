//! One instance, as long as this process runs it.
//!
//! ```text
//! claimed or started → { step: intent written → attempt → end written, with what is next } → over, at rest, parked or lost
//! ```
//!
//! Guarantees:
//! - that a function may be called is written before it is: whoever takes the instance over knows that it may have been;
//! - a step that ended is never called again, and what was done is undone in reverse, each step once it is known that it
//!   was done or may have been;
//! - whoever was taken for dead writes nothing any more ([`Saved::Lost`]).

use std::{sync::Arc, time::SystemTime};

use super::{
    attempt::{Call, Ended},
    definition::{Definition, Step, rest},
    engine::Engine,
    journal::{Cause, Done, Failed, Journal, Opening, moment, read},
    pulse::Epoch,
    step::View,
};
use crate::{
    alert::{AlertKind, Level},
    classify::Class,
    error_handler::Decision,
    failpoint::{self, Sabotage},
    id::MessageId,
    message::Message,
    outcome::{Failure, FailureKind},
    pipeline::RetryPolicy,
    scope::Scope,
    store::{Instance, SagaState, SagaWish, Saved, Store, StoreError},
    text::Text,
};

/// So often whoever runs a step may die before the step counts as failed: it may be what kills them.
const INTERRUPTIONS: u32 = 10;

/// How an instance was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It is over.
    Over(SagaState),
    /// Somebody goes on with it then, or once its event has come.
    Rests(Option<SystemTime>),
    /// Nobody goes on with it until somebody says so.
    Parked,
    /// Somebody else has it.
    Lost,
}

/// How it came to this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    /// Started here: that its first step may run is written, as long as this member lived all the time since.
    Started(Epoch),
    /// Taken from the store.
    Claimed,
    /// Read again by whoever ran it: the database failed meanwhile.
    Reloaded,
    /// This member's without its knowledge. It may be over by now, so that nothing is taken for written.
    Found,
}

pub(super) struct Drive<'a> {
    engine: &'a Engine,
    scope: &'a Arc<Scope>,
    definition: &'a Definition,
    instance: Instance,
    opening: Arc<Opening>,
    journal: Arc<Journal>,
    /// It is written that what is next may run.
    intent: bool,
}

/// Runs an instance for as long as there is something to do.
///
/// # Errors
/// What the database said: the instance is as its row says.
pub(super) async fn drive(
    engine: &Engine,
    scope: &Arc<Scope>,
    definition: &Definition,
    instance: Instance,
    came: Came,
) -> Result<Left, StoreError> {
    let (opening, journal) = match read(&instance) {
        Ok((opening, journal)) => (Arc::new(opening), Arc::new(journal)),
        Err(error) => {
            let why = crate::outcome::one_line(&error);
            return park(engine, scope, definition, instance, &why).await;
        }
    };
    let intent = matches!(came, Came::Started(_));
    let mut drive = Drive { engine, scope, definition, instance, opening, journal, intent };
    let hindrance = if intent { None } else { drive.take_over(came) };
    if let Some(why) = hindrance {
        return park(engine, scope, definition, drive.instance, &why).await;
    }
    drive.run().await
}

/// Leaves it to whoever looks.
async fn park(
    engine: &Engine,
    scope: &Scope,
    definition: &Definition,
    mut instance: Instance,
    why: &str,
) -> Result<Left, StoreError> {
    let owner = std::mem::take(&mut instance.owner);
    instance.parked = Some(why.into());
    instance.due = None;
    let saved = engine.store().sagas().save(&instance, &owner, scope.clock().now()).await?;
    if saved == Saved::Lost {
        return Ok(Left::Lost);
    }
    let Instance { saga, key, .. } = &instance;
    tracing::error!(%saga, %key, why, "a saga is parked; `saga show` says more, `saga resume` goes on with it");
    let told = format!("the instance `{key}` is parked: {why}");
    scope.alerts().note(Level::Critical, AlertKind::SagaParked, saga, &told);
    definition.counted.parked();
    Ok(Left::Parked)
}

/// Whether what failed may have been done all the same. Who says that it is refused, for good or for now, is taken at its
/// word.
fn may_be_done(failure: &Failure) -> bool {
    match failure.kind() {
        // It was not called.
        FailureKind::Extract => false,
        FailureKind::Timeout | FailureKind::Panic | FailureKind::Store => true,
        _ => matches!(failure.class(), Class::Transient | Class::SystemFailure),
    }
}

impl Drive<'_> {
    fn now(&self) -> SystemTime {
        self.scope.clock().now()
    }

    fn store(&self) -> &dyn Store {
        &**self.engine.store()
    }

    fn journal(&mut self) -> &mut Journal {
        Arc::make_mut(&mut self.journal)
    }

    /// Finds out where it is. Says why it can't go on.
    fn take_over(&mut self, came: Came) -> Option<String> {
        let (version, ours) = (self.instance.version, self.definition.registration.version);
        if !self.definition.accepts(version) {
            return Some(format!(
                "it was started under version {version} of the saga, this program has version {ours}; run a program that has {version}, or write `accepts = [{version}]` where its steps go on with it"
            ));
        }
        if let Some(at) = self.journal.at.as_deref().filter(|at| self.definition.place(at).is_none()) {
            return Some(format!(
                "it is at the step `{at}`, which version {ours} of the saga does not have; run a program that has it"
            ));
        }
        self.instance.version = ours;
        if self.instance.state == SagaState::Failed {
            // Somebody looked, and wants it tried again.
            self.instance.state = SagaState::Compensating;
            self.journal().failures = 0;
            self.journal().interruptions = 0;
            self.journal().rests = true;
        }
        // Started, and never begun.
        let is_new = came == Came::Found && self.instance.revision == 0;
        if !self.journal.rests && !is_new {
            let transacts = self.step().is_some_and(|step| step.callee.call.transacts);
            let journal = self.journal();
            journal.interruptions += u32::from(came == Came::Claimed);
            journal.doubt |= !transacts && journal.cause.is_none();
        }
        None
    }

    /// What is at the front.
    fn step(&self) -> Option<&Step> {
        let at = self.journal.at.as_deref()?;
        self.definition.place(at).map(|place| &self.definition.steps[place])
    }

    async fn run(mut self) -> Result<Left, StoreError> {
        loop {
            let left = if self.is_wanted_back() {
                self.turn_back(self.wanted(), None).await?
            } else if self.journal.cause.is_some() {
                self.undo().await?
            } else if self.is_late() {
                self.turn_back(Cause::TimedOut, Some("its time was over".to_owned())).await?
            } else {
                self.forward().await?
            };
            if let Some(left) = left {
                return Ok(left);
            }
        }
    }

    fn is_wanted_back(&self) -> bool {
        self.instance.wish.is_some() && self.journal.cause.is_none()
    }

    fn wanted(&self) -> Cause {
        match self.instance.wish {
            Some(SagaWish::Cancel) => Cause::Cancelled,
            Some(SagaWish::Compensate) | None => Cause::Asked,
        }
    }

    fn is_late(&self) -> bool {
        self.opening.deadline.is_some_and(|deadline| moment(deadline) <= self.now())
    }

    /// One step.
    async fn forward(&mut self) -> Result<Option<Left>, StoreError> {
        let definition = self.definition;
        let Some(place) = self.journal.at.as_deref().and_then(|at| definition.place(at)) else {
            // Only where a newer definition ends earlier.
            return self.on_with(None).await;
        };
        let step = &definition.steps[place];
        if self.journal.interruptions > INTERRUPTIONS {
            let text = format!("whoever ran `{}` died {INTERRUPTIONS} times", step.name);
            return self.turn_back(Cause::Failed, Some(text)).await;
        }
        let now = self.now();
        let is_time = self.journal.until.is_none_or(|until| moment(until) <= now);
        let mut event = None;
        if let Some(wait) = step.registration.wait {
            let Instance { saga, key, .. } = &self.instance;
            event = self.store().sagas().mail(saga, key, &step.name).await?;
            if event.is_none() {
                match (is_time && self.journal.until.is_some(), wait.optional) {
                    (true, true) => {}
                    (true, false) => {
                        return self.stop_waiting(step).await;
                    }
                    (false, _) => return self.wait_on(step).await,
                }
            }
        } else if step.registration.after.is_some() && !is_time {
            return self.rest_until(self.journal.until.map(moment)).await;
        }
        if !self.intend(SagaState::Running).await? {
            return Ok(Some(Left::Lost));
        }
        if self.is_wanted_back() {
            return Ok(None);
        }
        let has_event = event.is_some();
        let message = event.map_or_else(|| self.message(), Arc::new);
        let call = Call {
            callee: &step.callee,
            view: self.view(&step.name, "", has_event),
            message,
            attempt: self.attempt(),
            key: step.registration.idempotency_key,
            suffix: "",
        };
        let began = tokio::time::Instant::now();
        let made = call.make(self.scope, self.store()).await?;
        definition.counted.step(place, made.is_ok(), began.elapsed());
        match made {
            Ok(ended) => self.ended(place, ended).await,
            Err(failure) => self.failed(step, failure).await,
        }
    }

    /// A step was done.
    async fn ended(&mut self, place: usize, ended: Ended) -> Result<Option<Left>, StoreError> {
        let definition = self.definition;
        let before = (self.instance.clone(), self.journal.clone());
        let step = definition.steps[place].name.clone();
        let output = serde_json::value::RawValue::from_string(ended.output.clone()).ok();
        let next = definition.steps.get(place + 1).map(|next| next.name.clone());
        let journal = self.journal();
        journal.done.push(Done { step, output, undone: false });
        journal.error = None;
        journal.turn_to(next);
        let saved = self.on_with(Some(ended)).await;
        self.or_failed(saved, before, &definition.steps[place]).await
    }

    /// What the database refuses to commit is a failure of the step; what it can't do now is none.
    async fn or_failed(
        &mut self,
        saved: Result<Option<Left>, StoreError>,
        before: (Instance, Arc<Journal>),
        step: &Step,
    ) -> Result<Option<Left>, StoreError> {
        match saved {
            Err(error) if !matches!(error, StoreError::Unavailable { .. } | StoreError::Conflict { .. }) => {
                (self.instance, self.journal) = before;
                self.failed(step, Failure::classified(FailureKind::Store, error)).await
            }
            saved => saved,
        }
    }

    /// Writes down what is next, with what has ended.
    async fn on_with(&mut self, ended: Option<Ended>) -> Result<Option<Left>, StoreError> {
        let now = self.now();
        let owner = self.instance.owner.clone();
        let (definition, opening) = (self.definition, self.opening.clone());
        definition.front(&mut self.instance, &opening, Arc::make_mut(&mut self.journal), now);
        if self.instance.owner == owner && self.engine.is_ending() {
            let state = self.instance.state.at_rest();
            rest(&mut self.instance, &opening, Arc::make_mut(&mut self.journal), state, Some(now));
        }
        self.save_with(ended, owner, now).await
    }

    async fn save_with(
        &mut self,
        ended: Option<Ended>,
        owner: Text,
        now: SystemTime,
    ) -> Result<Option<Left>, StoreError> {
        self.instance.journal = self.journal.written();
        let store = self.engine.store().clone();
        let saved = match ended {
            Some(ended) => {
                let awake = self.journal.clone();
                let (mut woken, name) = ((*awake).clone(), owner.clone());
                let wake = move |instance: &mut Instance| {
                    woken.rests = false;
                    instance.waits = None;
                    instance.due = None;
                    instance.owner = name;
                    instance.state = SagaState::Running;
                    instance.journal = woken.written();
                };
                ended.save(&*store, &mut self.instance, &owner, now, wake).await?
            }
            None => store.sagas().save(&self.instance, &owner, now).await?,
        };
        let Saved::Yes { wish, .. } = saved else { return Ok(Some(Left::Lost)) };
        self.instance.revision += 1;
        self.instance.wish = wish;
        self.intent = true;
        if self.instance.state.is_finished() {
            return Ok(Some(Left::Over(self.instance.state)));
        }
        if self.instance.owner.is_empty() {
            return Ok(Some(Left::Rests(self.instance.due)));
        }
        // Woken by its event, the journal that was written is another.
        self.journal().rests = false;
        Ok(None)
    }

    /// A step, or what undoes it, failed.
    async fn failed(&mut self, step: &Step, failure: Failure) -> Result<Option<Left>, StoreError> {
        let undoing = self.journal.cause.is_some();
        let call = if undoing { step.registration.compensation.as_ref().map(|undo| &undo.call) } else { None };
        let call = call.unwrap_or(&step.registration.call);
        let in_doubt = !call.transacts && may_be_done(&failure);
        let text = failure.text();
        let attempt = self.journal.failures + 1;
        let policy = RetryPolicy { retries: call.retries, backoff: call.backoff };
        let Instance { saga, key, .. } = &self.instance;
        tracing::warn!(%saga, %key, function = call.function, attempt, error = text, "an attempt at a step of a saga failed");
        let journal = self.journal();
        journal.failures = attempt;
        journal.doubt |= in_doubt && !undoing;
        journal.error = Some(text.clone());
        match policy.decide(&failure, attempt) {
            Decision::Retry { wait } => {
                let until = self.now() + wait;
                self.rest_until(Some(until)).await
            }
            _ if undoing => self.give_up(&text).await,
            Decision::DeadLetter { reason } | Decision::Discard { reason } => {
                self.journal().failed = Some(Failed { step: step.name.clone(), reason, error: text.clone() });
                self.turn_back(Cause::Failed, Some(text)).await
            }
        }
    }

    /// Tries again then.
    async fn rest_until(&mut self, until: Option<SystemTime>) -> Result<Option<Left>, StoreError> {
        let owner = self.instance.owner.clone();
        let state = match (self.journal.cause, self.instance.state) {
            (Some(_), _) => SagaState::Compensating,
            (None, SagaState::Pending) => SagaState::Pending,
            (None, _) => SagaState::StepCompleted,
        };
        let opening = self.opening.clone();
        self.instance.waits = None;
        rest(&mut self.instance, &opening, Arc::make_mut(&mut self.journal), state, until);
        let now = self.now();
        self.save_with(None, owner, now).await
    }

    /// Goes on waiting for its event.
    async fn wait_on(&mut self, step: &Step) -> Result<Option<Left>, StoreError> {
        let owner = self.instance.owner.clone();
        let state = if self.journal.done.is_empty() { SagaState::Pending } else { SagaState::StepCompleted };
        let until = self.journal.until.map(moment);
        let opening = self.opening.clone();
        rest(&mut self.instance, &opening, Arc::make_mut(&mut self.journal), state, until);
        self.instance.waits = Some(step.name.clone());
        let now = self.now();
        self.save_with(None, owner, now).await
    }

    /// What it waits for did not come in time: it is undone, unless it came until that was written. From then on none is
    /// taken in.
    async fn stop_waiting(&mut self, step: &Step) -> Result<Option<Left>, StoreError> {
        let before = self.journal.clone();
        let text = format!("what `{}` waits for did not come in time", step.name);
        let journal = self.journal();
        (journal.cause, journal.error) = (Some(Cause::TimedOut), Some(text));
        journal.rests = false;
        let (owner, now) = (self.instance.owner.clone(), self.now());
        self.instance.state = SagaState::Compensating;
        self.instance.waits = None;
        if let Some(left) = self.save_with(None, owner, now).await? {
            return Ok(Some(left));
        }
        let Instance { saga, key, .. } = &self.instance;
        if self.store().sagas().mail(saga, key, &step.name).await?.is_some() {
            self.journal = before;
            self.instance.state = SagaState::Running;
            self.intent = false;
            return Ok(None);
        }
        self.journal().turn_to(None);
        self.on_with(None).await
    }

    /// From now on it is undone.
    async fn turn_back(&mut self, cause: Cause, error: Option<String>) -> Result<Option<Left>, StoreError> {
        let doubtful = self.step().filter(|step| self.journal.doubt && step.compensation.is_some());
        let doubtful = doubtful.map(|step| step.name.clone());
        let journal = self.journal();
        if let Some(step) = doubtful.filter(|_| !failpoint::is_broken(Sabotage::TrustTheDoubtful)) {
            journal.done.push(Done { step, output: None, undone: false });
        }
        journal.cause = Some(cause);
        if error.is_some() {
            journal.error = error;
        }
        journal.turn_to(None);
        self.on_with(None).await
    }

    /// Undoes what was done last.
    async fn undo(&mut self) -> Result<Option<Left>, StoreError> {
        let definition = self.definition;
        let Some(place) = self.journal.at.as_deref().and_then(|at| definition.place(at)) else {
            let at = self.journal.at.clone().unwrap_or_default();
            let why = format!("`{at}` has to be undone, and this version of the saga does not have it");
            return self.park(&why).await;
        };
        let step = &definition.steps[place];
        let (Some(callee), Some(_)) = (&step.compensation, &step.registration.compensation) else {
            self.undone(&step.name);
            return self.on_with(None).await;
        };
        if self.journal.interruptions > INTERRUPTIONS {
            return self.give_up(&format!("whoever undid `{}` died {INTERRUPTIONS} times", step.name)).await;
        }
        if !self.intend(SagaState::Compensating).await? {
            return Ok(Some(Left::Lost));
        }
        let call = Call {
            callee,
            view: self.view(&step.name, "/compensation", false),
            message: self.message(),
            attempt: self.attempt(),
            key: step.registration.idempotency_key,
            suffix: "/compensation",
        };
        let made = call.make(self.scope, self.store()).await?;
        definition.counted.compensation(place, made.is_ok());
        match made {
            Ok(ended) => {
                let before = (self.instance.clone(), self.journal.clone());
                self.undone(&step.name);
                let saved = self.on_with(Some(ended)).await;
                self.or_failed(saved, before, step).await
            }
            Err(failure) => self.failed(step, failure).await,
        }
    }

    fn undone(&mut self, step: &str) {
        let journal = self.journal();
        if let Some(done) = journal.done.iter_mut().rev().find(|done| done.step == step && !done.undone) {
            done.undone = true;
        }
        journal.turn_to(None);
    }

    /// A compensation can't be done: somebody has to look.
    async fn give_up(&mut self, error: &str) -> Result<Option<Left>, StoreError> {
        let at = self.journal.at.clone().unwrap_or_default();
        self.instance.state = SagaState::Failed;
        self.park(&format!("`{at}` can't be undone: {error}")).await
    }

    async fn park(&mut self, why: &str) -> Result<Option<Left>, StoreError> {
        self.instance.journal = self.journal.written();
        park(self.engine, self.scope, self.definition, self.instance.clone(), why).await.map(Some)
    }

    /// Writes down that what is next may run, unless that is written. Says whether it still is this process's to run.
    async fn intend(&mut self, state: SagaState) -> Result<bool, StoreError> {
        if self.intent {
            return Ok(true);
        }
        let owner = self.instance.owner.clone();
        self.instance.state = state;
        self.instance.waits = None;
        self.journal().rests = false;
        let now = self.now();
        Ok(self.save_with(None, owner, now).await?.is_none())
    }

    fn attempt(&self) -> u32 {
        self.journal.failures.saturating_add(1)
    }

    /// What stands for the delivery that a step does not have.
    fn message(&self) -> Arc<Message> {
        let mut message = Message::new(self.instance.saga.clone(), "");
        message.id = MessageId::parse(&self.instance.id).unwrap_or(MessageId::EMPTY);
        message.key = Some(self.instance.key.clone());
        message.correlation_id = self.opening.correlation.as_deref().map(Text::from);
        message.headers = self.opening.headers();
        Arc::new(message)
    }

    fn view(&self, step: &str, suffix: &str, has_event: bool) -> View {
        View {
            key: self.instance.key.clone(),
            opening: self.opening.clone(),
            journal: self.journal.clone(),
            idempotency_key: format!("{}/{step}{suffix}", self.instance.id).into(),
            step_key: format!("{}/{step}", self.instance.id).into(),
            has_event,
        }
    }
}
