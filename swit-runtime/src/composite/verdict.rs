//! What becomes of a delivery whose event handlers failed.
//!
//! As long as one handler is to be tried again, the delivery is, after the longest wait that any of them asked for, and only
//! those are run that are neither done nor given up. Then, if one was given up, it is a dead letter, with the reason and class
//! of the first of them by order. With `fail_fast` it is one as soon as one handler is given up.

use std::time::Duration;

use super::{
    Progress,
    carried::{self, GivenUp},
};
use crate::{
    error_handler::Decision,
    outcome::{Failure, FailureKind},
    registry::Strategy,
    transport::Delivery,
};

impl Progress {
    /// What the decisions on its handlers come to; writes down in the delivery's message what need not be done again.
    ///
    /// `failure` is that of the attempt: the handlers', or one of the attempt as a whole, a timeout or a middleware's;
    /// `whole` is what was decided on the latter.
    pub(crate) fn conclude(
        &self,
        failure: Failure,
        whole: Option<Decision>,
        decided: &[(usize, Failure, Decision)],
        delivery: &mut Delivery,
    ) -> (Decision, Failure) {
        let handlers = self.composite.handlers();
        let mut state = self.state();
        let mut wait: Option<Duration> = None;
        let mut lost = state.given_up.clone();
        let mut unwanted = None;
        for (at, failure, decision) in decided {
            let name = handlers[*at].handler.name.to_owned();
            match decision {
                Decision::Retry { wait: asked } => wait = wait.max(Some(*asked)),
                Decision::DeadLetter { reason } => {
                    lost.push(GivenUp { name, reason: reason.clone(), class: failure.class(), text: failure.text() });
                }
                Decision::Discard { reason } => {
                    state.done[*at] = true;
                    unwanted = unwanted.or_else(|| Some(reason.clone()));
                }
            }
        }
        lost.sort_by_key(|lost| handlers.iter().position(|member| member.handler.name == lost.name));
        let is_whole = whole.is_some();
        if let Some(Decision::Retry { wait: asked }) = &whole {
            wait = wait.max(Some(*asked));
        }
        let fails_fast = self.composite.strategy == Strategy::FailFast && !lost.is_empty();
        let decision = match (whole, wait, lost.first()) {
            (Some(decision @ (Decision::DeadLetter { .. } | Decision::Discard { .. })), ..) => decision,
            (_, Some(wait), _) if !fails_fast => Decision::Retry { wait },
            (_, _, Some(first)) => Decision::DeadLetter { reason: first.reason.clone() },
            (Some(decision), ..) => decision,
            // What failed was not wanted, but those that were cancelled for it have not had their turn.
            (None, ..) if !state.cancelled.is_empty() => Decision::Retry { wait: Duration::ZERO },
            // Nothing is lost and nothing is tried again: all that failed was not wanted.
            (None, ..) => Decision::Discard { reason: unwanted.unwrap_or_else(|| failure.text().into()) },
        };
        let failures = decided.iter().map(|(at, failure, _)| (*at, failure));
        let all = self.error(&state, failures, is_whole.then_some(&failure));
        // An error of the attempt as a whole that left nobody unfinished is told as it is.
        let is_alone = is_whole && all.failed.len() == 1 && all.cancelled.is_empty();
        let failure = match (is_alone, &decision, lost.first()) {
            (true, ..) => failure,
            (false, Decision::DeadLetter { .. }, Some(first)) => {
                Failure::new(FailureKind::Handler, all).with_class(first.class)
            }
            (false, ..) => Failure::new(failure.kind(), all).with_class(failure.class()),
        };
        let given_up: &[GivenUp] = if matches!(decision, Decision::Retry { .. }) { &lost } else { &[] };
        let done = state.done.iter().zip(handlers).filter(|(done, _)| **done);
        let done: Vec<&str> = done.map(|(_, member)| member.handler.name).collect();
        if let Some(message) = delivery.message_mut() {
            carried::write(&mut message.headers, &self.receiver, &done, given_up);
        }
        (decision, failure)
    }
}
