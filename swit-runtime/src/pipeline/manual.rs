//! Manual acknowledgement: the handler settles, with its [`Ack`] argument.
//!
//! Guarantee: an `Ack` that is dropped settles nothing. While its handler runs, the delivery goes back to the worker,
//! which requeues it or, if the handler failed, applies the policy; later, it is requeued with a backoff.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::Plan;
use crate::{
    classify::Class,
    context::Context,
    error_handler::Decision,
    extract::FromDelivery,
    outcome::{ErrorAction, Failure, FailureKind},
    text::Text,
    trace::Flow,
    transport::{Delivery, Verdict},
};

/// The right to settle a delivery, taken as an argument by subscribers with `ack = "manual"`.
///
/// It may be moved elsewhere and used after the handler has returned.
pub struct Ack {
    delivery: Option<Delivery>,
    attempt: u32,
    desk: Desk,
    flow: Option<Flow>,
}

/// A manual settlement that could not be made as asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettleError {
    /// The transport can't delay and there is no room to wait here: the message was requeued instead.
    #[error("the message could not be held back and was requeued at once")]
    NotDelayed,
}

impl Ack {
    /// Done with: the queue forgets it.
    pub fn ack(mut self) {
        if let Some(delivery) = self.settled_as(State::Acknowledged) {
            delivery.settle(Verdict::Ack);
        }
    }

    /// Back into the queue at once, at its old place.
    pub fn requeue(mut self) {
        if let Some(delivery) = self.settled() {
            delivery.settle(Verdict::Requeue);
        }
    }

    /// Again after this wait, as the next attempt; to the dead-letter queue if no attempt is left.
    ///
    /// Returns when the delayed copy is confirmed. If it is cancelled, the message is delivered again.
    ///
    /// # Errors
    /// [`SettleError::NotDelayed`].
    pub async fn retry(mut self, after: Duration) -> Result<(), SettleError> {
        let Some(delivery) = self.settled() else { return Ok(()) };
        let (plan, attempt) = (self.desk.plan.clone(), self.attempt);
        let failure = Failure::new(FailureKind::Handler, "the handler asked for a retry")
            .with_action(ErrorAction::RetryAfter(after));
        match plan.policy.decide(&failure, attempt) {
            Decision::Retry { wait } => {
                plan.count_late(super::counters::Counters::retries);
                plan.retry_later(delivery, attempt.saturating_add(1), wait, self.flow.as_ref()).await.map_err(
                    |delivery| {
                        delivery.settle(Verdict::Requeue);
                        SettleError::NotDelayed
                    },
                )
            }
            Decision::DeadLetter { reason } | Decision::Discard { reason } => {
                plan.give_up_late(delivery, &reason, &failure, attempt, self.flow.as_ref()).await;
                Ok(())
            }
        }
    }

    /// To the dead-letter queue, for this reason. Returns when the copy there is confirmed.
    ///
    /// If it is cancelled, the message is delivered again.
    pub async fn dead_letter(mut self, reason: impl Into<Text>) {
        let Some(delivery) = self.settled() else { return };
        let reason = reason.into();
        let failure = Failure::new(FailureKind::Handler, format!("dead-lettered by the handler: {reason}"))
            .with_class(Class::Permanent);
        let plan = self.desk.plan.clone();
        plan.give_up_late(delivery, &reason, &failure, self.attempt, self.flow.as_ref()).await;
    }

    fn settled(&mut self) -> Option<Delivery> {
        self.settled_as(State::Settled)
    }

    fn settled_as(&mut self, state: State) -> Option<Delivery> {
        self.desk.set(state);
        self.delivery.take()
    }
}

impl Drop for Ack {
    fn drop(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            self.desk.hand_back(delivery, self.attempt);
        }
    }
}

impl fmt::Debug for Ack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ack").field("delivery", &self.delivery).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}

impl FromDelivery for Ack {
    type Rejection = Failure;
    const SETTLES: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        let Some(desk) = cx.extension::<Desk>().cloned() else {
            let text = "`Ack` needs `ack = \"manual\"`";
            return Err(Failure::new(FailureKind::Extract, text).with_class(Class::Permanent));
        };
        let (attempt, flow) = (cx.attempt(), cx.trace().cloned());
        let delivery = cx.delivery_mut().split();
        desk.set(State::Held);
        Ok(Self { delivery: Some(delivery), attempt, desk, flow })
    }
}

/// Where a manual handler's `Ack` and its worker meet.
#[derive(Clone)]
pub(super) struct Desk {
    plan: Arc<Plan>,
    state: Arc<Mutex<State>>,
}

enum State {
    /// Nobody took the `Ack`: the delivery is in the context.
    Untouched,
    /// The handler has it.
    Held,
    /// It was dropped while the handler ran.
    Back(Delivery),
    /// It was acknowledged.
    Acknowledged,
    /// It was used for something else.
    Settled,
    /// The handler is over and somebody still has it.
    Detached,
}

/// How an attempt left its delivery.
pub(super) enum Closed {
    /// Nobody took the `Ack`.
    Untouched(Delivery),
    /// It was dropped unused.
    Back(Delivery),
    /// It was used, or is still held.
    Gone {
        /// The handler acknowledged.
        acknowledged: bool,
    },
}

impl Desk {
    /// Opens a desk for an attempt and puts it where `Ack` finds it.
    pub(super) fn open(plan: &Arc<Plan>, cx: &mut Context) -> Self {
        let desk = Self { plan: plan.clone(), state: Arc::new(Mutex::new(State::Untouched)) };
        cx.insert_extension(desk.clone());
        desk
    }

    /// Ends the attempt: the delivery, if the handler has neither settled it nor kept it.
    pub(super) fn close(&self, cx: &mut Context) -> Closed {
        match self.set(State::Detached) {
            State::Untouched => Closed::Untouched(cx.take_delivery()),
            State::Back(delivery) => Closed::Back(delivery),
            State::Held | State::Detached => Closed::Gone { acknowledged: false },
            State::Acknowledged => {
                self.set(State::Acknowledged);
                Closed::Gone { acknowledged: true }
            }
            State::Settled => {
                self.set(State::Settled);
                Closed::Gone { acknowledged: false }
            }
        }
    }

    fn set(&self, state: State) -> State {
        std::mem::replace(&mut *self.state.lock().unwrap_or_else(PoisonError::into_inner), state)
    }

    fn hand_back(&self, delivery: Delivery, attempt: u32) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, State::Detached) {
            drop(state);
            self.plan.requeue_dropped(delivery, attempt);
        } else {
            *state = State::Back(delivery);
        }
    }
}

impl Plan {
    fn count_late(&self, count: impl FnOnce(&super::Counters)) {
        count(&self.late.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn give_up_late(
        &self,
        delivery: Delivery,
        reason: &Text,
        failure: &Failure,
        attempts: u32,
        flow: Option<&Flow>,
    ) {
        let count = |what| self.count_late(|late| late.gave_up(what, reason));
        self.give_up(delivery, reason, Some(failure), attempts, flow, count).await;
    }
}
