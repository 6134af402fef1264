//! [`RateLimited`]: the error of a partner that asks for less, ready to be returned.

use std::{fmt, time::Duration};

use crate::{
    classifiers::LinkedClassifier,
    classify::{Class, Classification, Classify},
};

/// A partner asks for less: a throttle, tried again three times with linear backoff unless the subscriber says otherwise,
/// and never before the partner wants to be asked again.
///
/// It is recognised wherever it stands in a chain of sources, also inside a box, and whatever rules the app has.
///
/// ```
/// use std::time::Duration;
/// use swit_runtime::error_classifier::RateLimited;
///
/// /// What an answer of HTTP says.
/// fn rate_limit(status: u16, retry_after: Option<&str>) -> Option<RateLimited> {
///     let wait = retry_after.and_then(|text| text.parse().ok()).map(Duration::from_secs);
///     matches!(status, 429 | 503).then_some(RateLimited { retry_after: wait })
/// }
/// assert_eq!(rate_limit(429, Some("40")), Some(RateLimited { retry_after: Some(Duration::from_secs(40)) }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimited {
    /// How long it wants to be left alone, if it said so: `Retry-After` of HTTP.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("rate limited")?;
        match self.retry_after {
            Some(wait) => write!(f, "; again after {}", swit_grammar::duration::format(wait)),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RateLimited {}

impl From<Duration> for RateLimited {
    fn from(wait: Duration) -> Self {
        Self { retry_after: Some(wait) }
    }
}

impl Classify for RateLimited {
    fn classify(&self) -> Classification {
        Classification { retry_after: self.retry_after, ..Class::Throttle.into() }
    }
}

inventory::submit! { LinkedClassifier::of::<RateLimited>() }
