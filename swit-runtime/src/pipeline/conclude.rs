//! Settlement: from an outcome to the one verdict on the delivery.
//!
//! Guarantee: the input is acknowledged only after what replaces it is confirmed. As long as a dead letter or a
//! delayed copy can't be published, the delivery stays unsettled and is tried again, with a backoff and loudly.

use std::{sync::Arc, time::Duration};

use swit_grammar::subscriber::AckMode;
use tokio::time::Instant;

use super::{
    Counters, Plan,
    admission::Admission,
    confirmed,
    copied::Copied,
    copies,
    manual::Closed,
    parking::{Parked, Retry},
    plan::LONGEST_PARKING,
    policy::reasons,
    worker::Seat,
};
use crate::{
    alert::{AlertKind, Level},
    classify::{Backoff, Jitter},
    composite::Progress,
    context::Emission,
    error::PublishError,
    error_handler::Decision,
    failpoint::{self, Failpoint, Sabotage},
    id::chance,
    message::Message,
    outcome::{Failure, FailureKind, Outcome, one_line},
    publisher::{Outgoing, Outlet},
    said::{Shown, ShownId, about},
    store::Lease,
    text::Text,
    trace::{self, AttemptEnd, Flow, Pending, Settling, Under},
    transport::{Delivery, Publication, Room, Target, Verdict},
};

/// Between tries to publish a copy that must not be lost.
const INSISTENCE: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(5),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// How often it is looked whether the connection is lost that a delivery came by.
const LOOK: Duration = Duration::from_millis(250);

impl Seat {
    /// Settles a delivery that does not reach the handler.
    pub(super) async fn turn_away(&mut self, delivery: Delivery, attempt: u32, why: Admission) {
        match why {
            Admission::Yes | Admission::As(_) => {}
            Admission::Filtered => {
                self.counters.filtered();
                delivery.settle(Verdict::Ack);
            }
            Admission::Refused(reason, failure) => {
                // No attempt was made at it now: what counts is what was made before, among which are those that
                // ended with their process.
                let crashes = if reason == reasons::DELIVERY_LIMIT { delivery.redeliveries } else { 0 };
                log_failure(&self.plan, delivery.message(), attempt, &failure);
                if reason == reasons::DELIVERY_LIMIT {
                    let text = format!("message {} {failure}", delivery.message().id);
                    self.plan.alert(Level::Error, AlertKind::DeliveryLimit, &text);
                }
                let attempts = (attempt - 1).saturating_add(crashes);
                let ended = AttemptEnd::Refused { reason: &reason, failure: &failure };
                let flow = self.plan.trace_unattempted(delivery.message(), attempt, ended);
                self.give_up(delivery, reason, Some(&failure), attempts, flow.as_ref()).await;
            }
        }
    }

    /// Settles what is not plain success. Says whether the delivery is done with; if not, the next attempt has begun.
    pub(super) async fn settle(&mut self, outcome: Outcome) -> bool {
        let outcome = match outcome {
            Outcome::Success => match self.publish_emissions().await {
                Ok(()) => Outcome::Success,
                Err(error) => Failure::classified(FailureKind::Publish, error).into(),
            },
            Outcome::Failed(failure) => match self.cx.extension::<Arc<Progress>>() {
                Some(progress) if progress.forgives(&failure) => Outcome::Success,
                _ => {
                    let mut failure = self.prefer_pending(failure);
                    failure.ask(&self.plan.receiver.rules);
                    failure.into()
                }
            },
            Outcome::Discarded(reason) => Outcome::Discarded(reason),
        };
        self.record(&outcome);
        self.cx.end_trace(ended(&outcome));
        let flow = self.cx.trace().cloned();
        let confirmed = self.cx.take_confirmed();
        match &outcome {
            Outcome::Success => self.counters.succeeded(),
            Outcome::Failed(failure) => {
                self.counters.failed(failure.class());
                log_failure(&self.plan, self.cx.message(), self.cx.attempt(), failure);
            }
            Outcome::Discarded(_) => self.counters.waived(),
        }
        let attempt = self.cx.attempt();
        let mut delivery = match self.plan.ack {
            AckMode::Auto => self.cx.take_delivery(),
            AckMode::None => {
                if outcome.is_success() {
                    confirmed::run(&self.plan, &self.cx, confirmed).await;
                } else {
                    self.counters.discarded();
                }
                return true;
            }
            AckMode::Manual => match self.desk.take().map(|desk| desk.close(&mut self.cx)) {
                // The handler never ran: middleware answered in its place.
                Some(Closed::Untouched(delivery)) => delivery,
                Some(Closed::Back(back)) if outcome.is_success() => {
                    self.plan.requeue_dropped(back, attempt);
                    return true;
                }
                Some(Closed::Back(back)) => back,
                // The handler settled it, or still holds it.
                Some(Closed::Gone { acknowledged }) => {
                    if acknowledged && outcome.is_success() {
                        confirmed::run(&self.plan, &self.cx, confirmed).await;
                    }
                    return true;
                }
                None => return true,
            },
        };
        match outcome {
            Outcome::Success => {
                confirmed::run(&self.plan, &self.cx, confirmed).await;
                failpoint::hit(Failpoint::BeforeAck);
                delivery.settle(Verdict::Ack);
                true
            }
            Outcome::Discarded(reason) => {
                // Its attempt says so.
                self.discard(delivery, &reason, attempt, None);
                true
            }
            Outcome::Failed(failure)
                if failure.kind() == FailureKind::Panic && failpoint::is_broken(Sabotage::LeakAfterAPanic) =>
            {
                std::mem::forget(delivery);
                true
            }
            Outcome::Failed(failure) => {
                let (decision, failure) = self.decide_all(failure, &mut delivery, attempt).await;
                match decision {
                    Decision::Retry { wait } => self.retry(delivery, attempt.saturating_add(1), wait, flow).await,
                    Decision::DeadLetter { reason } => {
                        self.give_up(delivery, reason, Some(&failure), attempt, flow.as_ref()).await;
                        true
                    }
                    Decision::Discard { reason } => {
                        self.discard(delivery, &reason, attempt, flow.as_ref());
                        true
                    }
                }
            }
        }
    }

    /// If the attempt ended while `on_error` was being asked, the error that it was asked about decides.
    fn prefer_pending(&mut self, failure: Failure) -> Failure {
        match self.cx.take_pending() {
            Some(pending) if matches!(failure.kind(), FailureKind::Panic | FailureKind::Timeout) => {
                about!(
                    error,
                    self.cx.message(),
                    trace = self.plan.scope.trace_of(self.cx.message()),
                    { subscriber = %self.plan.receiver.subscriber, attempt = self.cx.attempt(), error = %failure },
                    "`on_error` itself failed; the error's class decides"
                );
                pending
            }
            _ => failure,
        }
    }

    /// Publishes what the handler returned, all of it at once, and waits until all of it is confirmed.
    async fn publish_emissions(&mut self) -> Result<(), PublishError> {
        let emissions = self.cx.take_emissions();
        publish_all(&self.plan.outlet, emissions, self.cx.under(), None).await
    }

    /// Arranges the next attempt. False: it has begun here, in place.
    async fn retry(&mut self, delivery: Delivery, attempt: u32, wait: Duration, flow: Option<Flow>) -> bool {
        let Some(delivery) = self.plan.current(delivery) else { return true };
        self.counters.retries();
        about!(
            debug,
            delivery.message(),
            trace = self.plan.scope.trace_of(delivery.message()),
            { subscriber = %self.plan.receiver.subscriber, attempt, retry_in = ?wait },
            "is tried again"
        );
        let delivery = if self.plan.ordered {
            delivery
        } else {
            // A breaker that is open by then would only have it lie here.
            let wait = wait.max(self.plan.held_for());
            match self.plan.clone().retry_later(delivery, attempt, wait, flow.as_ref()).await {
                Ok(()) => return true,
                Err(delivery) => delivery,
            }
        };
        let due = async {
            tokio::time::sleep(wait).await;
            // It is an attempt like any other.
            self.plan.enter().await
        };
        tokio::select! {
            biased;
            pass = due => {
                let Some(delivery) = self.plan.current(delivery) else {
                    self.plan.leave(pass);
                    return true;
                };
                self.pass = pass;
                self.begin(delivery, attempt);
                self.cx.begin_trace();
                false
            }
            // As what is parked: given back, which is no crash that counts against the message.
            () = self.plan.closing.cancelled() => {
                delivery.settle(Verdict::Requeue);
                true
            }
        }
    }

    async fn give_up(
        &mut self,
        delivery: Delivery,
        reason: Text,
        failure: Option<&Failure>,
        attempts: u32,
        flow: Option<&Flow>,
    ) {
        let counters = Arc::clone(&self.counters);
        let count = |what| counters.gave_up(what, &reason);
        self.plan.clone().give_up(delivery, &reason, failure, attempts, flow, count).await;
    }

    fn discard(&mut self, delivery: Delivery, reason: &Text, attempt: u32, flow: Option<&Flow>) {
        self.counters.discarded();
        self.plan.discard(delivery, reason, attempt, flow);
    }
}

/// Publishes what a handler returned, all of it at once, and waits until all of it is confirmed.
pub(crate) async fn publish_all(
    outlet: &Outlet,
    emissions: Vec<Emission>,
    under: Under<'_>,
    lease: Option<&Arc<Lease>>,
) -> Result<(), PublishError> {
    let mut sent = Vec::with_capacity(emissions.len());
    let turns = outlet.path.turns();
    for Emission { message, unrouted } in emissions {
        let mut message = message;
        let pending = outlet.path.trace(&mut message, under);
        let joined = lease.map(Lease::joined);
        let outgoing = Outgoing { message, delay: Duration::ZERO, unrouted, under_delivery: true, pending, joined };
        sent.push(outlet.path.publish(outgoing, turns.as_ref()));
    }
    for sent in sent {
        sent.await?;
    }
    Ok(())
}

/// How an attempt ended, for whoever traces it.
pub(crate) fn ended(outcome: &Outcome) -> AttemptEnd<'_> {
    match outcome {
        Outcome::Success => AttemptEnd::Well,
        Outcome::Discarded(reason) => AttemptEnd::Discarded(reason),
        Outcome::Failed(failure) => AttemptEnd::Failed(failure),
    }
}

/// What became of a delivery that was to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    DeadLettered,
    Discarded,
}

impl Counters {
    /// A message was given up for this reason.
    pub(super) fn gave_up(&self, what: GivenUp, reason: &str) {
        match what {
            GivenUp::DeadLettered => self.dead_lettered(reason),
            GivenUp::Discarded => self.discarded(),
        }
    }
}

/// What takes the place of a delivery.
struct Replacement<'a> {
    what: Copied,
    copy: Message,
    /// The attempt that the log names.
    attempt: u32,
    queue: &'a Text,
    delay: Duration,
}

impl Plan {
    /// A parked delivery whose time has come. One whose connection was lost meanwhile comes again by itself.
    #[inline]
    pub(super) fn due(&self) -> Option<(Delivery, u32)> {
        loop {
            let (delivery, attempt) = self.parking.take()?;
            if let Some(delivery) = self.current(delivery) {
                return Some((delivery, attempt));
            }
        }
    }

    /// The delivery, unless its connection was lost: then the transport delivers it again. What would become of this one
    /// does not count: it would be handled twice, and, failed here and done there, be both.
    pub(super) fn current(&self, delivery: Delivery) -> Option<Delivery> {
        if delivery.is_current() {
            return Some(delivery);
        }
        about!(
            debug,
            delivery.message(),
            trace = self.scope.trace_of(delivery.message()),
            { subscriber = %self.receiver.subscriber },
            "its connection was lost; it comes again"
        );
        None
    }

    /// Parks a delivery, or puts a delayed copy in its place.
    ///
    /// # Errors
    /// There is no room, and the transport can't delay: the caller waits in place.
    pub(super) async fn retry_later(
        &self,
        delivery: Delivery,
        attempt: u32,
        wait: Duration,
        after: Option<&Flow>,
    ) -> Result<(), Delivery> {
        let mut delivery = delivery;
        // A lane looks at nothing but its own deliveries; a retry that an ordered handler asked for by hand leaves its order.
        let may_park = !self.ordered && !self.gate.is_paused() && !self.closing.is_cancelled();
        if wait <= LONGEST_PARKING && may_park {
            match self.parking.park(Parked::Retry(Retry { delivery, attempt, after: after.cloned() }), wait) {
                Ok(()) => return Ok(()),
                Err(Parked::Retry(Retry { delivery: back, .. }) | Parked::Requeue(back)) => delivery = back,
            }
        }
        self.delay(delivery, attempt, wait, after).await
    }

    /// Puts a delayed copy in the place of a delivery.
    ///
    /// # Errors
    /// The transport can't delay.
    async fn delay(
        &self,
        delivery: Delivery,
        attempt: u32,
        wait: Duration,
        after: Option<&Flow>,
    ) -> Result<(), Delivery> {
        if !self.delays {
            return Err(delivery);
        }
        let copy = copies::after(copies::delayed(delivery.message(), attempt), after);
        let pending = self.settling(delivery.message(), after, Settling::Retry);
        let by = Replacement { what: Copied::Retry, copy, attempt, queue: &self.receiver.queue, delay: wait };
        self.replace(delivery, by, pending, || {}).await;
        Ok(())
    }

    /// Has what is parked wait in the transport whenever nothing begins for longer than anything is parked, and when the
    /// subscriber stops: what lies here keeps others from being fetched, is taken back by a broker that loses its patience,
    /// and goes back without the number of its attempt. Until the subscriber stops.
    pub(crate) async fn clear_the_lot(&self) {
        let stopped = self.closing.cancelled();
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = self.gate.shut_for_long() => {}
            }
            let held_for = self.held_for();
            if self.gate.is_paused() || held_for > LONGEST_PARKING {
                let until = Instant::now() + held_for;
                // Boxed, as below: every subscriber keeps room for this, and hardly one needs it.
                Box::pin(self.clear_all(until)).await;
            }
            tokio::select! {
                biased;
                () = &mut stopped => break,
                () = self.gate.not_for_long() => {}
            }
        }
        Box::pin(self.clear_all(Instant::now())).await;
    }

    /// Has all that is parked wait in the transport, at least until then.
    async fn clear_all(&self, until: Instant) {
        for (retry, due) in self.parking.take_all() {
            self.clear(retry, due.max(until)).await;
        }
    }

    async fn clear(&self, retry: Retry, due: Instant) {
        let Retry { delivery, attempt, after } = retry;
        let Some(delivery) = self.current(delivery) else { return };
        let wait = due.saturating_duration_since(Instant::now());
        if let Err(delivery) = self.delay(delivery, attempt, wait, after.as_ref()).await {
            delivery.settle(Verdict::Requeue);
        }
    }

    /// Puts a delivery into the dead-letter queue, or discards it where there is none. What becomes of it is counted before
    /// it is settled: whoever sees that nothing is left sees the count, too.
    pub(super) async fn give_up(
        &self,
        delivery: Delivery,
        reason: &Text,
        failure: Option<&Failure>,
        attempts: u32,
        flow: Option<&Flow>,
        count: impl FnOnce(GivenUp),
    ) {
        let Some(delivery) = self.current(delivery) else { return };
        let Some(queue) = &self.dead_letter else {
            count(GivenUp::Discarded);
            self.discard(delivery, reason, attempts, flow);
            return;
        };
        if failpoint::is_broken(Sabotage::DeadLetterByReject) {
            count(GivenUp::DeadLettered);
            delivery.settle(Verdict::Reject);
            return;
        }
        let copy = copies::dead_letter(self, delivery.message(), reason, failure, attempts);
        let copy = copies::after(copy, flow);
        let pending = self.settling(delivery.message(), flow, Settling::DeadLetter(reason));
        about!(
            warn,
            delivery.message(),
            trace = self.scope.trace_of(delivery.message()),
            {
                subscriber = %self.receiver.subscriber,
                attempt = attempts,
                %queue,
                reason = %Shown(reason),
                ordered = self.ordered
            },
            "dead-lettered"
        );
        let by = Replacement { what: Copied::DeadLetter, copy, attempt: attempts, queue, delay: Duration::ZERO };
        self.replace(delivery, by, pending, || count(GivenUp::DeadLettered)).await;
    }

    /// The span of a settlement, where the attempt was recorded.
    fn settling(&self, message: &Message, flow: Option<&Flow>, how: Settling<'_>) -> Option<Box<dyn Pending>> {
        self.scope.trace()?.settle(flow?, &self.receiver, message, how)
    }

    /// The trace of a message that never came as far as the handler: an attempt that is over at once.
    pub(super) fn trace_unattempted(&self, message: &Message, attempt: u32, ended: AttemptEnd<'_>) -> Option<Flow> {
        let tracer = self.scope.trace()?;
        let flow = tracer.process(&self.receiver, message, attempt);
        tracer.processed(&flow, ended);
        Some(flow)
    }

    /// Acknowledges a delivery that is given up on purpose. `flow`: the attempt, if that does not say so itself.
    pub(super) fn discard(&self, delivery: Delivery, reason: &Text, attempt: u32, flow: Option<&Flow>) {
        if let Some(pending) = self.settling(delivery.message(), flow, Settling::Discard(reason)) {
            pending.end(Ok(&delivery.message().id));
        }
        about!(
            warn,
            delivery.message(),
            trace = self.scope.trace_of(delivery.message()),
            { subscriber = %self.receiver.subscriber, attempt, reason = %Shown(reason) },
            "discarded"
        );
        delivery.settle(Verdict::Ack);
    }

    /// A delivery that a manual handler dropped without settling it and without an error.
    pub(super) fn requeue_dropped(&self, delivery: Delivery, attempt: u32) {
        about!(
            warn,
            delivery.message(),
            trace = self.scope.trace_of(delivery.message()),
            { subscriber = %self.receiver.subscriber, attempt },
            "the handler dropped its `Ack` without settling; the message is requeued"
        );
        // The lot never refuses these: they hold no more than they held in the handler.
        let _ = self.parking.park(Parked::Requeue(delivery), LONGEST_PARKING);
    }

    /// Publishes a copy until it is confirmed, then acknowledges the input that it replaces. If the transport is
    /// closed or the input's connection lost before it is, the input comes again.
    async fn replace(
        &self,
        mut delivery: Delivery,
        by: Replacement<'_>,
        pending: Option<Box<dyn Pending>>,
        confirmed: impl FnOnce(),
    ) {
        let id = by.copy.id.clone();
        if failpoint::is_broken(Sabotage::AckBeforeCopy) {
            delivery.split().settle(Verdict::Ack);
        }
        tokio::select! {
            biased;
            is_confirmed = self.insist(by) => {
                if is_confirmed {
                    trace::answer(pending, &Ok(id));
                    failpoint::hit(Failpoint::AfterCopy);
                    confirmed();
                    delivery.settle(Verdict::Ack);
                }
            }
            () = lost(&delivery) => {
                trace::answer(pending, &Err(PublishError::Closed));
                self.current(delivery);
            }
        }
    }

    /// Publishes a copy until it is confirmed. False: the transport was closed.
    async fn insist(&self, by: Replacement<'_>) -> bool {
        let Replacement { what, copy, attempt, queue, delay } = by;
        let mut tries = 0;
        loop {
            let publication = Publication::new(copy.clone())
                .to(Target::Queue(queue.clone()))
                .delayed(delay)
                .with_room(Room::Replaces);
            let error = match self.port.publish(publication).await {
                Ok(_) if tries == 0 && failpoint::is_broken(Sabotage::CopyTwice) => {
                    tries += 1;
                    continue;
                }
                Ok(_) => {
                    self.copies.confirmed(what);
                    return true;
                }
                Err(PublishError::Closed) => return false,
                Err(error) => error,
            };
            self.copies.failed(what);
            tries += 1;
            let wait = INSISTENCE.jittered(tries, chance());
            about!(
                error,
                copy,
                trace = self.scope.trace_of(&copy),
                {
                    subscriber = %self.receiver.subscriber,
                    attempt,
                    %queue,
                    tries,
                    error = %one_line(&error),
                    retry_in = ?wait
                },
                "a copy could not be published; the message stays unsettled"
            );
            let text = format!(
                "message {} stays unsettled: its copy can't be published to {queue}: {}",
                ShownId(&copy.id),
                one_line(&error)
            );
            self.alert(Level::Critical, AlertKind::CopyFailed, &text);
            tokio::time::sleep(wait).await;
        }
    }
}

/// Resolves when the connection that a delivery came by is lost.
async fn lost(delivery: &Delivery) {
    while delivery.is_current() {
        tokio::time::sleep(LOOK).await;
    }
}

pub(super) fn log_failure(plan: &Plan, message: &Message, attempt: u32, failure: &Failure) {
    about!(
        warn,
        message,
        trace = plan.scope.trace_of(message),
        {
            subscriber = %plan.receiver.subscriber,
            attempt,
            class = failure.class().as_str(),
            kind = ?failure.kind(),
            error = %failure
        },
        "attempt failed"
    );
}
