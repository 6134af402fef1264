//! What all workers of one subscriber share.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use swit_grammar::{Batch, subscriber::AckMode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Copies, Counters, Parking, RetryPolicy};
use crate::{
    alert::{AlertKind, Level},
    codec::Codec,
    context::Receiver,
    error_handler::SharedErrorHandler,
    middleware::Middleware,
    policy::{BreakerState, Gate, Pass, Restraints},
    publisher::Outlet,
    scope::{Scope, Shared},
    text::Text,
    transport::Publish,
};

/// Deliveries that came back this often because a process died are dead-lettered before they reach the handler.
pub(crate) const CRASH_LIMIT: u32 = 10;

/// A delivery that came back this often because a process died may be what killed it.
pub(crate) const SUSPECT: u32 = 3;

/// The longest wait that is spent in this process; longer ones go through the transport's delay, which survives it.
pub(crate) const LONGEST_PARKING: Duration = Duration::from_secs(1);

/// Everything that a worker needs to know of its subscriber.
pub(crate) struct Plan {
    pub(crate) receiver: Arc<Receiver>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) policy: RetryPolicy,
    /// Who decides in the policy's place, if the app has one.
    pub(crate) handler: Option<SharedErrorHandler>,
    pub(crate) ack: AckMode,
    /// Where messages go that are given up; `None`: they are discarded.
    pub(crate) dead_letter: Option<Text>,
    /// Other event types are acknowledged and counted.
    pub(crate) event: Option<Text>,
    /// Other content types are refused.
    pub(crate) codec: Option<Codec>,
    /// Retries happen in place, so that nothing overtakes.
    pub(crate) ordered: bool,
    /// The numbers of its batches, where it takes its messages together.
    pub(crate) batch: Option<Batch>,
    /// The transport can hold a copy back.
    pub(crate) delays: bool,
    pub(crate) middleware: Box<[Arc<dyn Middleware>]>,
    /// The handler, where it is a value: its worker's loop finds it in its context.
    pub(crate) callable: Option<Shared>,
    /// The way into the transport that it consumes from, for the copies that settlement makes.
    pub(crate) port: Arc<dyn Publish>,
    /// The way out for what its handler returns.
    pub(crate) outlet: Outlet,
    pub(crate) parking: Parking,
    /// Whether its workers may pull now.
    pub(crate) gate: Arc<Gate>,
    /// Its breaker and its rate limit, where it has one or both.
    pub(crate) restraints: Option<Restraints>,
    /// What handlers that settle by themselves did, counted outside of any worker.
    pub(crate) late: Mutex<Counters>,
    /// What is counted of the copies that settlement makes.
    pub(crate) copies: Copies,
    /// Sizes and ages of messages are counted too.
    pub(crate) measures: bool,
    /// Cancelled when the subscriber stops pulling.
    pub(crate) closing: CancellationToken,
}

impl Plan {
    /// Whether workers have to wait before they pull. One that stops is not held up: it finds its subscription closed.
    #[inline]
    pub(crate) fn is_held(&self) -> bool {
        !self.gate.is_open() && !self.closing.is_cancelled()
    }

    /// Raises an alert about its subscriber.
    pub(crate) fn alert(&self, level: Level, kind: AlertKind, message: &str) {
        self.scope.alerts().note(level, kind, &self.receiver.subscriber, message);
    }

    /// Waits until workers may pull, or stop. Whoever comes back from it looks once more.
    pub(crate) async fn held(&self) {
        tokio::select! {
            biased;
            () = self.open() => {}
            () = self.closing.cancelled() => {}
        }
    }

    async fn open(&self) {
        self.gate.opened().await;
        if let Some(restraints) = &self.restraints {
            restraints.ready().await;
        }
    }

    /// Waits until an attempt may begin, as one does that pulls nothing.
    pub(super) async fn enter(&self) -> Pass {
        loop {
            self.open().await;
            let pass = match &self.restraints {
                None => Some(Pass::default()),
                // Paused meanwhile.
                Some(_) if !self.gate.is_open() => None,
                Some(restraints) => restraints.enter(),
            };
            if let Some(pass) = pass {
                return pass;
            }
            // Somebody else was quicker, on another thread.
            tokio::task::yield_now().await;
        }
    }

    /// Goes back with a pass that is not used: a probe makes room for another, a token is there again.
    pub(super) fn leave(&self, mut pass: Pass) {
        if let Some(restraints) = &self.restraints {
            restraints.leave(&mut pass);
        }
    }

    /// How its breaker is, where it has one.
    pub(crate) fn breaker(&self) -> Option<BreakerState> {
        self.restraints.as_ref()?.breaker().map(|breaker| breaker.now())
    }

    /// How long its breaker stays open, at the least.
    pub(super) fn held_for(&self) -> Duration {
        match self.breaker() {
            Some(BreakerState::Open { until }) => until.saturating_duration_since(Instant::now()),
            _ => Duration::ZERO,
        }
    }

    /// Whether its workers pull nothing until then, unless somebody resumes it by hand.
    pub(crate) fn is_held_until(&self, then: Instant) -> bool {
        self.gate.is_paused() || matches!(self.breaker(), Some(BreakerState::Open { until }) if until >= then)
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("receiver", &self.receiver).field("policy", &self.policy).finish_non_exhaustive()
    }
}
