//! Asking the app's [`ErrorHandler`](crate::error_handler::ErrorHandler), if it has one.

use std::sync::Arc;

use super::worker::Seat;
use crate::{
    composite::Progress,
    error_handler::{Decision, FailedAttempt},
    outcome::{ErrorAction, Failure},
    said::about,
    transport::Delivery,
    walled::walled,
};

impl Seat {
    /// What becomes of a delivery whose attempt failed: one decision, or that which those on its event handlers come to.
    pub(super) async fn decide_all(
        &self,
        failure: Failure,
        delivery: &mut Delivery,
        attempt: u32,
    ) -> (Decision, Failure) {
        let Some(progress) = self.cx.extension::<Arc<Progress>>().cloned() else {
            return (self.decide(&failure, delivery, attempt).await, failure);
        };
        let mut decided = Vec::new();
        for (at, failure) in progress.take_failed() {
            let decision = self.decide(&failure, delivery, attempt).await;
            decided.push((at, failure, decision));
        }
        let whole = if Progress::is_of_the_whole(&failure) {
            Some(self.decide(&failure, delivery, attempt).await)
        } else {
            None
        };
        progress.conclude(failure, whole, &decided, delivery)
    }

    /// What becomes of a failed attempt: what the app's handler says within the budget, else what the policy says.
    pub(super) async fn decide(&self, failure: &Failure, delivery: &Delivery, attempt: u32) -> Decision {
        let planned = self.plan.policy.decide(failure, attempt);
        let Some(handler) = &self.plan.handler else { return planned };
        let message = self.cx.seen().map_or_else(|| delivery.message(), |seen| &**seen);
        let receiver = &*self.plan.receiver;
        let failed = FailedAttempt { message, receiver, attempt, failure, planned: &planned };
        let answer = tokio::time::timeout(receiver.timeout, walled(|| handler.decide(failed))).await;
        let why = match answer {
            Ok(Some(ErrorAction::ByClass)) => return planned,
            Ok(Some(action)) => return self.plan.policy.decide_as(&action, failure, attempt),
            Ok(None) => "it panicked",
            Err(_) => "it took longer than the subscriber's timeout",
        };
        about!(
            error,
            message,
            trace = self.plan.scope.trace_of(message),
            { subscriber = %receiver.subscriber, attempt, why },
            "the app's `ErrorHandler` failed; the policy decides"
        );
        planned
    }
}
