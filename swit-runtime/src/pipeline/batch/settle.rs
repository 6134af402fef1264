//! Settling a batch: each message as its outcome says, with its own budget.
//!
//! Guarantee: as for single messages, a message is acknowledged only after what replaces it is confirmed; none waits for its
//! neighbour's copy.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use swit_grammar::subscriber::AckMode;
use tokio::time::Instant;

use super::{Alone, Bench, Held, watched};
use crate::{
    batch::Settled,
    error_handler::Decision,
    failpoint::{self, Failpoint},
    message::Message,
    outcome::{ErrorAction, Failure, Outcome},
    pipeline::conclude::{ended, log_failure},
    policy::Ended,
    said::about,
    text::Text,
    trace::{AttemptEnd, Flow},
    transport::{BoxFuture, Delivery, Verdict},
};

/// What waits for a confirmation; what could not be put anywhere to wait comes back.
type Settling = BoxFuture<'static, Option<Alone>>;

impl Bench {
    /// Settles the messages of a batch, and those that did not come as far as the handler.
    pub(super) async fn settle(&mut self, members: Vec<Held>, unfit: Vec<(Held, Outcome)>, settled: Settled) {
        let settled = self.asked(settled);
        if !members.is_empty() {
            self.record(&settled);
        }
        self.tell(&members, &unfit, &settled);
        self.end_trace(&settled);
        let mut waiting: Vec<Settling> = Vec::new();
        for (held, mut outcome) in unfit {
            if let Outcome::Failed(failure) = &mut outcome {
                failure.ask(&self.seat.plan.receiver.rules);
            }
            // Not of the attempt at the others.
            let message = held.delivery.message();
            let flow = self.seat.plan.trace_unattempted(message, held.attempt, ended(&outcome));
            self.settle_one(held, outcome, flow, &mut waiting).await;
        }
        let flow = self.seat.cx.trace().cloned();
        match settled {
            Settled::Each(outcomes) => {
                for (held, outcome) in members.into_iter().zip(outcomes) {
                    self.settle_one(held, outcome, flow.clone(), &mut waiting).await;
                }
            }
            Settled::All(Outcome::Failed(failure)) => self.fail_all(members, failure, flow, &mut waiting).await,
            Settled::All(Outcome::Success) => {
                for held in members {
                    self.succeed(held.delivery);
                }
            }
            Settled::All(Outcome::Discarded(reason)) => {
                for held in members {
                    self.waive(held.delivery, &reason, held.attempt, flow.as_ref());
                }
            }
        }
        self.alone.extend(all(waiting).await);
    }

    /// The attempt failed if all of it did; what each message came to is told by its settlement.
    fn end_trace(&self, settled: &Settled) {
        let worst = match settled {
            Settled::All(outcome) => Some(outcome),
            Settled::Each(outcomes) => outcomes.iter().find(|outcome| matches!(outcome, Outcome::Failed(_))),
        };
        self.seat.cx.end_trace(worst.map_or(AttemptEnd::Well, ended));
    }

    fn tell(&self, members: &[Held], unfit: &[(Held, Outcome)], settled: &Settled) {
        let plan = &self.seat.plan;
        if plan.middleware.is_empty() {
            return;
        }
        let tell = |held: &Held, outcome| watched(plan, held.delivery.message(), held.attempt, outcome);
        for (held, outcome) in unfit {
            tell(held, outcome);
        }
        for (index, held) in members.iter().enumerate() {
            match settled {
                Settled::All(outcome) => tell(held, outcome),
                Settled::Each(outcomes) => outcomes.get(index).into_iter().for_each(|outcome| tell(held, outcome)),
            }
        }
    }

    /// Failures whose class nobody has said yet are asked about.
    fn asked(&self, mut settled: Settled) -> Settled {
        let rules = &self.seat.plan.receiver.rules;
        let outcomes = match &mut settled {
            Settled::All(outcome) => std::slice::from_mut(outcome),
            Settled::Each(outcomes) => outcomes.as_mut_slice(),
        };
        for outcome in outcomes {
            if let Outcome::Failed(failure) = outcome {
                failure.ask(rules);
            }
        }
        settled
    }

    /// A batch is one attempt for a breaker: it went badly if at least half of its messages did.
    fn record(&mut self, settled: &Settled) {
        let Some(restraints) = &self.seat.plan.restraints else { return };
        let ended = |outcome: &Outcome| match outcome {
            Outcome::Success | Outcome::Discarded(_) => Ended::Well,
            Outcome::Failed(failure) => failure.class().into(),
        };
        let ended = match settled {
            Settled::All(outcome) => ended(outcome),
            Settled::Each(outcomes) => {
                let count = |wanted| outcomes.iter().filter(|outcome| ended(outcome) == wanted).count();
                match (count(Ended::Badly), count(Ended::Well)) {
                    (badly, _) if badly * 2 >= outcomes.len() => Ended::Badly,
                    (_, 0) => Ended::Somehow,
                    _ => Ended::Well,
                }
            }
        };
        restraints.record(&mut self.seat.pass, ended, &self.seat.plan.receiver.subscriber);
    }

    /// `flow`: the attempt that came to this.
    async fn settle_one(&mut self, held: Held, outcome: Outcome, flow: Option<Flow>, waiting: &mut Vec<Settling>) {
        match outcome {
            Outcome::Success => self.succeed(held.delivery),
            Outcome::Discarded(reason) => self.waive(held.delivery, &reason, held.attempt, flow.as_ref()),
            Outcome::Failed(mut failure) => {
                failure.ask(&self.seat.plan.receiver.rules);
                log_failure(&self.seat.plan, held.delivery.message(), held.attempt, &failure);
                self.fail(held, Arc::new(failure), false, flow, waiting).await;
            }
        }
    }

    /// All failed together.
    async fn fail_all(
        &mut self,
        members: Vec<Held>,
        failure: Failure,
        flow: Option<Flow>,
        waiting: &mut Vec<Settling>,
    ) {
        // Of its messages the first is named; each of the others has a line of its own where it ends.
        let first = members.first();
        about!(
            warn,
            first.map_or(&Message::EMPTY, |held| held.delivery.message()),
            trace = first.and_then(|held| self.seat.plan.scope.trace_of(held.delivery.message())),
            {
                subscriber = %self.seat.plan.receiver.subscriber,
                attempt = first.map_or(1, |held| held.attempt),
                messages = members.len(),
                class = failure.class().as_str(),
                kind = ?failure.kind(),
                error = %failure
            },
            "a batch failed"
        );
        // What the handler itself says of all of them is not a guess about their neighbours.
        let is_guess = !matches!(failure.action(), ErrorAction::DeadLetter(_) | ErrorAction::Discard);
        let together = members.len() > 1 && is_guess;
        let failure = Arc::new(failure);
        for held in members {
            self.fail(held, failure.clone(), together, flow.clone(), waiting).await;
        }
    }

    fn succeed(&mut self, delivery: Delivery) {
        self.seat.counters.succeeded();
        failpoint::hit(Failpoint::BeforeAck);
        // With `ack = "none"` it is settled already.
        delivery.settle(Verdict::Ack);
    }

    fn waive(&mut self, delivery: Delivery, reason: &Text, attempt: u32, flow: Option<&Flow>) {
        self.seat.counters.waived();
        self.discard(delivery, reason, attempt, flow);
    }

    fn discard(&mut self, delivery: Delivery, reason: &Text, attempt: u32, flow: Option<&Flow>) {
        self.seat.counters.discarded();
        self.seat.plan.discard(delivery, reason, attempt, flow);
    }

    /// One failed, by itself or together with others, whose failure may not be its own.
    async fn fail(
        &mut self,
        held: Held,
        failure: Arc<Failure>,
        together: bool,
        flow: Option<Flow>,
        waiting: &mut Vec<Settling>,
    ) {
        let Held { delivery, attempt, seen } = held;
        let (plan, counters) = (self.seat.plan.clone(), self.seat.counters.clone());
        counters.failed(failure.class());
        if plan.ack == AckMode::None {
            counters.discarded();
            return;
        }
        self.seat.cx.see(seen);
        let decision = self.seat.decide(&failure, &delivery, attempt).await;
        self.seat.cx.see(None);
        let Some(delivery) = plan.current(delivery) else { return };
        match decision {
            Decision::Retry { wait } => {
                counters.retries();
                let wait = wait.max(plan.held_for());
                waiting.push(Box::pin(async move {
                    let next = attempt.saturating_add(1);
                    let refused = plan.retry_later(delivery, next, wait, flow.as_ref()).await.err()?;
                    Some(Alone::at(refused, next, Instant::now() + wait))
                }));
            }
            Decision::DeadLetter { .. } | Decision::Discard { .. } if together => {
                counters.retries();
                self.alone.push_back(Alone::new(delivery, attempt.saturating_add(1)));
            }
            Decision::DeadLetter { reason } => waiting.push(Box::pin(async move {
                let count = |what| counters.gave_up(what, &reason);
                plan.give_up(delivery, &reason, Some(&failure), attempt, flow.as_ref(), count).await;
                None
            })),
            Decision::Discard { reason } => self.discard(delivery, &reason, attempt, flow.as_ref()),
        }
    }
}

/// Waits for all, which go on side by side.
async fn all(mut waiting: Vec<Settling>) -> Vec<Alone> {
    let mut back = Vec::new();
    poll_fn(|task| {
        waiting.retain_mut(|settling| match Pin::new(settling).poll(task) {
            Poll::Ready(alone) => {
                back.extend(alone);
                false
            }
            Poll::Pending => true,
        });
        if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    back
}
