//! [`Policies`]: what becomes of failures, for subscribers that are made while the service runs.

use std::{fmt, sync::Arc, time::Duration};

use super::CircuitBreaker;
use crate::{
    app::config::DeadLetters,
    classify::{Backoff, BoxError},
    error_classifier::ErrorClassifier,
    message::Message,
    middleware::Middleware,
    middlewares::Validation,
    registry::RateLimit,
    text::Text,
};

/// What becomes of failures: the keys of `#[subscriber]` that are about them, to be shared among subscriptions.
///
/// The stages stand where they belong in whatever order they are named, since a wrong order is a bug:
///
/// ```text
/// dead letter ∘ retry ∘ rate limit ∘ circuit breaker ∘ (timeout, panic guard) ∘ global middleware ∘ middleware ∘
/// validation ∘ decode ∘ handler
/// ```
///
/// What is not named is as in an attribute: retries and backoff by the error's class, 30 s, `{group}.{name}.dlq`. That a
/// handler's panic ends an attempt and no worker, that outcomes are logged and counted, is so for every subscriber and no
/// option.
///
/// ```
/// use std::time::Duration;
/// use swit_runtime::{app::Policies, classify::Backoff};
///
/// let careful = Policies::new().timeout(Duration::from_secs(10)).retries(5).backoff(Backoff::fixed(Duration::from_secs(2)));
/// let same = Policies::new().backoff(Backoff::fixed(Duration::from_secs(2))).retries(5).timeout(Duration::from_secs(10));
/// assert_eq!(format!("{careful:?}"), format!("{same:?}"));
/// ```
#[derive(Clone, Default)]
#[must_use = "policies do nothing by themselves"]
pub struct Policies {
    pub(super) retries: Option<u32>,
    pub(super) backoff: Option<Backoff>,
    pub(super) timeout: Option<Duration>,
    pub(super) dead_letter: Option<DeadLetters>,
    pub(super) classifier: Option<Arc<ErrorClassifier>>,
    pub(super) circuit_breaker: Option<CircuitBreaker>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) middleware: Vec<(Text, Arc<dyn Middleware>)>,
    pub(super) validations: Vec<Arc<dyn Middleware>>,
}

impl Policies {
    /// As in an attribute that names none of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tries again so often after the first attempt: `retries = 3` is four attempts, also where the error's class has more.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// Waits this long before each retry, instead of what the error's class says.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// Gives each attempt this long.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Puts what is given up into this queue.
    pub fn dead_letter(mut self, queue: impl Into<Text>) -> Self {
        self.dead_letter = Some(DeadLetters::Queue(queue.into()));
        self
    }

    /// Forgets what is given up; it is logged and counted.
    pub fn discard(mut self) -> Self {
        self.dead_letter = Some(DeadLetters::Discard);
        self
    }

    /// Asks these rules first what an error is, before the app's.
    pub fn classifier(mut self, rules: ErrorClassifier) -> Self {
        self.classifier = Some(Arc::new(rules));
        self
    }

    /// Stops pulling when attempts fail, and tries again after a while with a few.
    pub fn circuit_breaker(mut self, breaker: CircuitBreaker) -> Self {
        self.circuit_breaker = Some(breaker);
        self
    }

    /// Begins at most so many attempts a second, and at most `burst` at once after a time in which fewer began.
    pub fn rate_limit(mut self, per_second: u32, burst: u32) -> Self {
        self.rate_limit = Some(RateLimit { per_second: Some(per_second), burst: Some(burst) });
        self
    }

    /// Runs this around the handler, inside the global middleware. Of several, the first one that is named stands
    /// outermost, as in an attribute's list.
    pub fn middleware(mut self, name: impl Into<Text>, middleware: impl Middleware) -> Self {
        self.middleware.push((name.into(), Arc::new(middleware)));
        self
    }

    /// Checks each message by this function, inside all middleware and before it is decoded. What it refuses is
    /// `invalid_input`: dead-lettered at once, with its error. Of several all must agree.
    pub fn validate<E: Into<BoxError>>(
        mut self,
        check: impl Fn(&Message) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.validations.push(Arc::new(Validation::new(check)));
        self
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.middleware.iter().map(|(name, _)| name).collect();
        f.debug_struct("Policies")
            .field("retries", &self.retries)
            .field("backoff", &self.backoff)
            .field("timeout", &self.timeout)
            .field("dead_letter", &self.dead_letter)
            .field("classifier", &self.classifier.is_some())
            .field("circuit_breaker", &self.circuit_breaker)
            .field("rate_limit", &self.rate_limit)
            .field("middleware", &names)
            .field("validations", &self.validations.len())
            .finish()
    }
}
