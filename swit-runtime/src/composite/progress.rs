//! How far the event handlers of one delivery are. It outlives the attempt: what was finished before a timeout is done.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering};

use super::{
    carried::{self, GivenUp},
    failed::HandlersFailed,
};
use crate::{
    classify::Class,
    context::{Context, Receiver},
    event::{EventDescriptor, is_of},
    headers::Headers,
    id::MessageId,
    message::Message,
    outcome::{ErrorAction, Failure, FailureKind, Outcome},
    registry::{CompositeRegistration, Strategy},
    said::{Shown, about, trace_id},
    text::Text,
    trace::{Flow, Ids},
};

/// How far the event handlers of one delivery are, in one attempt at it.
pub(crate) struct Progress {
    pub(super) composite: &'static CompositeRegistration,
    pub(super) receiver: Arc<Receiver>,
    pub(super) told: Told,
    state: Mutex<State>,
}

/// What the log says of the delivery. Each part is a reference that is counted.
pub(super) struct Told {
    pub(super) id: MessageId,
    pub(super) topic: Text,
    pub(super) headers: Headers,
    pub(super) attempt: u32,
    trace: Option<Ids>,
}

impl Told {
    /// The trace that the attempt is part of; of one that is not traced, the message's.
    pub(super) fn trace_id(&self) -> Option<String> {
        let own = self.trace.map(|ids| ids.trace_id().to_string());
        own.or_else(|| trace_id(&self.headers).map(str::to_owned))
    }
}

#[derive(Default)]
pub(super) struct State {
    /// By a handler's place among the composite's.
    pub(super) done: Vec<bool>,
    /// In earlier attempts.
    pub(super) given_up: Vec<GivenUp>,
    /// In this one.
    pub(super) failed: Vec<(usize, Failure)>,
    pub(super) cancelled: Vec<usize>,
    /// Why the first that did not want the message did not.
    unwanted: Option<Text>,
    /// Some handler succeeded, in this attempt or an earlier one.
    any_succeeded: bool,
    /// All that was to be run has been.
    ended: bool,
}

impl Progress {
    /// What the message carries of earlier attempts. Names that no handler has are nobody's.
    pub(super) fn read(composite: &'static CompositeRegistration, cx: &Context) -> Self {
        let handlers = composite.handlers();
        let mut state = State { done: vec![false; handlers.len()], ..State::default() };
        if !cx.headers().is_empty() {
            for name in carried::done(cx.headers(), cx.receiver()) {
                if let Some(at) = handlers.iter().position(|member| member.handler.name == name) {
                    state.done[at] = true;
                    state.any_succeeded = true;
                }
            }
            state.given_up = carried::given_up(cx.headers(), cx.receiver());
            state.given_up.retain(|lost| handlers.iter().any(|member| member.handler.name == lost.name));
        }
        let message = cx.message();
        let told = Told {
            id: message.id.clone(),
            topic: message.topic.clone(),
            headers: message.headers.clone(),
            attempt: cx.attempt(),
            trace: cx.trace().map(Flow::ids),
        };
        Self { composite, receiver: cx.receiver().clone(), told, state: Mutex::new(state) }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned one is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The handlers that are still to be run for a message of this topic, by place.
    ///
    /// Where handlers take events of several types, each runs for its own, by topic and then by event type; a message that is
    /// none of theirs is given to all, and decoding decides.
    pub(super) fn missing(&self, message: &Message) -> Vec<usize> {
        let (handlers, state) = (self.composite.handlers(), self.state());
        let of_topic = |event: &EventDescriptor| message.topic == event.topic;
        let of_type = |event: &EventDescriptor| is_of(event, message);
        let any = |is: &dyn Fn(&EventDescriptor) -> bool| handlers.iter().any(|member| member.events.iter().any(is));
        let concerns: &dyn Fn(&EventDescriptor) -> bool = match () {
            () if any(&of_type) => &of_type,
            () if any(&of_topic) => &of_topic,
            () => &|_| true,
        };
        let is_missing = |at: &usize| {
            let events = &handlers[*at].events;
            let concerned = events.is_empty() || events.iter().any(concerns);
            concerned && !state.done[*at] && state.given_up.iter().all(|lost| lost.name != handlers[*at].handler.name)
        };
        (0..handlers.len()).filter(is_missing).collect()
    }

    /// Notes what came of a handler.
    pub(super) fn note(&self, at: usize, outcome: Outcome) {
        match outcome {
            Outcome::Success => {
                let mut state = self.state();
                state.done[at] = true;
                state.any_succeeded = true;
            }
            Outcome::Discarded(reason) => self.discarded(at, reason),
            Outcome::Failed(failure) if *failure.action() == ErrorAction::Discard => {
                self.receiver.handlers_failed.fetch_add(1, Ordering::Relaxed);
                self.discarded(at, failure.text().into());
            }
            Outcome::Failed(failure) => self.failed(at, failure),
        }
    }

    /// It does not want this message: nothing is left to do.
    fn discarded(&self, at: usize, reason: Text) {
        let handler = self.composite.handlers()[at].handler.name;
        about!(
            warn,
            self.told,
            trace = self.told.trace_id(),
            {
                subscriber = %self.receiver.subscriber,
                attempt = self.told.attempt,
                handler,
                reason = %Shown(&reason)
            },
            "an event handler discarded the message"
        );
        let mut state = self.state();
        state.done[at] = true;
        state.unwanted.get_or_insert(reason);
    }

    pub(super) fn failed(&self, at: usize, mut failure: Failure) {
        failure.ask(&self.receiver.rules);
        self.receiver.handlers_failed.fetch_add(1, Ordering::Relaxed);
        if self.composite.strategy == Strategy::BestEffort {
            self.report(at, &failure);
        }
        self.state().failed.push((at, failure));
    }

    fn report(&self, at: usize, failure: &Failure) {
        about!(
            warn,
            self.told,
            trace = self.told.trace_id(),
            {
                subscriber = %self.receiver.subscriber,
                attempt = self.told.attempt,
                handler = self.composite.handlers()[at].handler.name,
                class = failure.class().as_str(),
                kind = ?failure.kind(),
                error = %failure
            },
            "an event handler failed, which fails nothing else"
        );
    }

    /// Whether something failed in this attempt.
    pub(super) fn any_failed(&self) -> bool {
        !self.state().failed.is_empty()
    }

    /// Whether it is known what came of this handler.
    pub(super) fn is_noted(&self, at: usize) -> bool {
        let state = self.state();
        state.done[at] || state.failed.iter().any(|(failed, _)| *failed == at)
    }

    /// Notes that a handler did not come to its end.
    pub(super) fn cancelled(&self, at: usize) {
        if !self.is_noted(at) {
            self.state().cancelled.push(at);
        }
    }

    /// What the attempt comes to.
    pub(super) fn outcome(&self) -> Outcome {
        let mut state = self.state();
        state.ended = true;
        let fine = state.failed.is_empty() && state.given_up.is_empty();
        if fine && !state.any_succeeded {
            // Nobody wanted it.
            return state.unwanted.take().map_or(Outcome::Success, Outcome::Discarded);
        }
        if fine || self.composite.strategy == Strategy::BestEffort {
            return Outcome::Success;
        }
        // For whoever looks at the outcome, middleware and breakers among them; what becomes of it is `verdict`'s. As long as
        // one may be tried again, so may all of it.
        let deciding = state.failed.iter().min_by_key(|(at, failure)| (!failure.class().retryable(), *at));
        let class = match deciding {
            Some((_, failure)) => failure.classification(),
            // All that was run went well: what was given up before says nothing of what is needed now.
            None => Some(Class::Permanent.into()),
        };
        let failed = state.failed.iter().map(|(at, failure)| (*at, failure));
        let failure = Failure::new(FailureKind::Handler, self.error(&state, failed, None));
        match class {
            Some(class) => failure.with_class(class).into(),
            None => failure.into(),
        }
    }

    /// The errors of all that failed, in their order; `beside` is one of the attempt as a whole.
    pub(super) fn error<'a>(
        &self,
        state: &State,
        failures: impl Iterator<Item = (usize, &'a Failure)>,
        beside: Option<&Failure>,
    ) -> HandlersFailed {
        let handlers = self.composite.handlers();
        let mut failed: Vec<(usize, String, String)> = Vec::new();
        for lost in &state.given_up {
            let at = handlers.iter().position(|member| member.handler.name == lost.name).unwrap_or(usize::MAX);
            failed.push((at, lost.name.clone(), lost.text.clone()));
        }
        failed.extend(failures.map(|(at, failure)| (at, handlers[at].handler.name.to_owned(), failure.text())));
        failed.sort_by_key(|(at, ..)| *at);
        let mut failed: Vec<(String, String)> = failed.into_iter().map(|(_, name, text)| (name, text)).collect();
        failed.extend(beside.map(|failure| (self.composite.subscriber.name.to_owned(), failure.text())));
        HandlersFailed { failed, cancelled: state.cancelled.iter().map(|at| handlers[*at].handler.name).collect() }
    }

    /// What failed in this attempt, to be decided one by one.
    pub(crate) fn take_failed(&self) -> Vec<(usize, Failure)> {
        std::mem::take(&mut self.state().failed)
    }

    /// Whether it is an error of the attempt as a whole, a timeout or a middleware's, and not that of its handlers.
    pub(crate) fn is_of_the_whole(failure: &Failure) -> bool {
        !failure.error().is::<HandlersFailed>()
    }

    /// Whether a failed attempt is none: with `best_effort`, one whose time was over while handlers ran.
    pub(crate) fn forgives(&self, failure: &Failure) -> bool {
        if self.composite.strategy != Strategy::BestEffort
            || failure.kind() != FailureKind::Timeout
            || self.state().ended
        {
            return false;
        }
        let cancelled = self.state().cancelled.clone();
        for at in cancelled {
            self.receiver.handlers_failed.fetch_add(1, Ordering::Relaxed);
            self.report(at, failure);
        }
        true
    }
}
