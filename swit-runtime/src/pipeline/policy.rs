//! What a failure means for the next attempt.
//!
//! Guarantee: one budget. The attempt number counts over in-process retries and delayed redeliveries together, and a
//! written `retries` is also the ceiling of what an error may ask for.

use std::time::Duration;

use crate::{
    classify::{Backoff, Class},
    error_handler::Decision,
    failpoint::{self, Sabotage},
    id::chance,
    limits::{DEFAULT_RETRIES, MAX_DURATION},
    outcome::{ErrorAction, Failure},
    text::Text,
};

/// The `retries` and `backoff` that a subscriber wrote, if any.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RetryPolicy {
    pub(crate) retries: Option<u32>,
    pub(crate) backoff: Option<Backoff>,
}

/// Reasons of dead letters, a closed set; users may add their own words.
pub(crate) mod reasons {
    use crate::text::Text;

    pub(crate) const MAX_RETRIES_EXCEEDED: Text = Text::from_static("max_retries_exceeded");
    pub(crate) const PERMANENT: Text = Text::from_static("permanent");
    pub(crate) const INVALID_INPUT: Text = Text::from_static("invalid_input");
    pub(crate) const DELIVERY_LIMIT: Text = Text::from_static("delivery_limit");

    /// As they are counted; the last one is whatever users say.
    pub(crate) const ALL: [&str; 5] =
        ["max_retries_exceeded", "permanent", "invalid_input", "delivery_limit", "custom"];

    /// The place of a reason among them.
    pub(crate) fn index(reason: &str) -> usize {
        ALL.iter().position(|known| *known == reason).unwrap_or(ALL.len() - 1)
    }
}

impl RetryPolicy {
    /// Decides, after attempt number `attempt` (from 1) failed.
    pub(crate) fn decide(self, failure: &Failure, attempt: u32) -> Decision {
        self.decide_as(failure.action(), failure, attempt)
    }

    /// Decides as `action` asks, within the budget.
    pub(crate) fn decide_as(self, action: &ErrorAction, failure: &Failure, attempt: u32) -> Decision {
        match action {
            ErrorAction::DeadLetter(reason) => Decision::DeadLetter { reason: reason.clone() },
            ErrorAction::Discard => Decision::Discard { reason: Text::from_static("on_error") },
            ErrorAction::ByClass => match failure.class() {
                Class::InvalidInput if failpoint::is_broken(Sabotage::RetryWhatIsPoison) => {
                    self.retry(failure, attempt, None)
                }
                Class::InvalidInput => Decision::DeadLetter { reason: reasons::INVALID_INPUT },
                Class::Permanent => Decision::DeadLetter { reason: reasons::PERMANENT },
                Class::Transient | Class::Throttle | Class::SystemFailure => self.retry(failure, attempt, None),
            },
            ErrorAction::Retry => self.retry(failure, attempt, None),
            ErrorAction::RetryAfter(wait) => self.retry(failure, attempt, Some(*wait)),
        }
    }

    fn retry(self, failure: &Failure, attempt: u32, wait: Option<Duration>) -> Decision {
        if attempt > self.retries(failure) {
            return Decision::DeadLetter { reason: reasons::MAX_RETRIES_EXCEEDED };
        }
        let asked = failure.classification().and_then(|known| known.retry_after).unwrap_or_default();
        let wait = wait.unwrap_or_else(|| self.backoff(failure).jittered(attempt, chance()));
        Decision::Retry { wait: wait.max(asked).min(MAX_DURATION) }
    }

    /// Retries after the first attempt: what the error says, under the ceiling of what is written; else what is
    /// written; else what the class says; else three.
    fn retries(self, failure: &Failure) -> u32 {
        let known = failure.classification();
        match (known.and_then(|known| known.retries), self.retries) {
            (Some(own), ceiling) => own.min(ceiling.unwrap_or(own)),
            (None, Some(written)) => written,
            (None, None) => {
                known.filter(|known| known.class.retryable()).map_or(DEFAULT_RETRIES, |known| known.class.retries())
            }
        }
    }

    /// Retries after the first attempt, where the error says nothing.
    pub(crate) fn written_retries(self) -> u32 {
        self.retries.unwrap_or(DEFAULT_RETRIES)
    }

    fn backoff(self, failure: &Failure) -> Backoff {
        let known = failure.classification();
        known
            .and_then(|known| known.backoff)
            .or(self.backoff)
            .or_else(|| known.filter(|known| known.class.retryable()).map(|known| known.class.backoff()))
            .unwrap_or(Backoff::DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify::Classification, outcome::FailureKind};

    fn failure(classification: Option<Classification>) -> Failure {
        let failure = Failure::new(FailureKind::Handler, "x");
        match classification {
            Some(known) => failure.with_class(known),
            None => failure,
        }
    }

    /// How many attempts are made before it is given up.
    fn attempts(policy: RetryPolicy, failure: &Failure) -> u32 {
        (1..=1_000).find(|n| !matches!(policy.decide(failure, *n), Decision::Retry { .. })).unwrap()
    }

    #[test]
    fn precedence_of_retries() {
        let written = |n| RetryPolicy { retries: Some(n), backoff: None };
        let none = RetryPolicy::default();
        let transient = Classification::new(Class::Transient);
        for (policy, class, expected) in [
            (none, None, 4),
            (written(0), None, 1),
            (written(3), None, 4),
            (none, Some(transient), 6),
            (none, Some(Classification::new(Class::Throttle)), 4),
            (written(2), Some(transient), 3),
            (written(9), Some(transient), 10),
            (none, Some(transient.with_retries(8)), 9),
            (written(2), Some(transient.with_retries(8)), 3),
            (written(8), Some(transient.with_retries(1)), 2),
            (written(8), Some(Classification::new(Class::Permanent)), 1),
            (written(8), Some(Classification::new(Class::InvalidInput)), 1),
        ] {
            assert_eq!(attempts(policy, &failure(class)), expected, "{policy:?} {class:?}");
        }
    }

    #[test]
    fn reasons_say_why_it_was_given_up() {
        let reason = |class: Class, attempt| match RetryPolicy::default().decide(&failure(Some(class.into())), attempt)
        {
            Decision::DeadLetter { reason } => reason.to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(reason(Class::InvalidInput, 1), "invalid_input");
        assert_eq!(reason(Class::Permanent, 1), "permanent");
        assert_eq!(reason(Class::Transient, 6), "max_retries_exceeded");
    }

    #[test]
    fn on_error_overrules_the_class_but_not_the_budget() {
        let policy = RetryPolicy { retries: Some(1), backoff: Some(Backoff::None) };
        let permanent = || failure(Some(Class::Permanent.into()));
        let wait = Duration::from_secs(7);
        assert_eq!(policy.decide(&permanent().with_action(ErrorAction::RetryAfter(wait)), 1), Decision::Retry { wait });
        assert_eq!(attempts(policy, &permanent().with_action(ErrorAction::Retry)), 2);
        assert!(matches!(policy.decide(&failure(None).with_action(ErrorAction::Discard), 1), Decision::Discard { .. }));
        assert_eq!(
            policy.decide(&failure(None).with_action(ErrorAction::DeadLetter("mine".into())), 1),
            Decision::DeadLetter { reason: "mine".into() }
        );
    }

    #[test]
    fn the_other_sides_wait_is_respected() {
        let asked = Classification::new(Class::Throttle).with_retry_after(Duration::from_secs(90));
        let Decision::Retry { wait } = RetryPolicy::default().decide(&failure(Some(asked)), 1) else { panic!() };
        assert_eq!(wait, Duration::from_secs(90));
    }
}
