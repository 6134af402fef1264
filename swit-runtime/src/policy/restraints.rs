//! What may keep a subscriber's workers from beginning an attempt, beside its gate: a breaker, a rate limit, or both.

use std::sync::Arc;

use super::{Breaker, Bucket, Ended, Gate, Pass};
use crate::text::Text;

/// A subscriber's breaker and rate limit.
#[derive(Debug)]
pub(crate) struct Restraints {
    breaker: Option<Arc<Breaker>>,
    bucket: Option<Bucket>,
}

impl Restraints {
    /// `None` where there is neither. The breaker keeps the gate from now on.
    pub(crate) fn of(breaker: Option<Arc<Breaker>>, bucket: Option<Bucket>, gate: &Arc<Gate>) -> Option<Self> {
        if let Some(breaker) = &breaker {
            breaker.keep_gate(gate);
        }
        (breaker.is_some() || bucket.is_some()).then_some(Self { breaker, bucket })
    }

    /// The breaker.
    pub(crate) fn breaker(&self) -> Option<&Arc<Breaker>> {
        self.breaker.as_ref()
    }

    /// Enters with an attempt; `None`: not now.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Pass> {
        let pass = match &self.breaker {
            Some(breaker) => breaker.enter()?,
            None => Pass::default(),
        };
        // The token comes last: a probe makes room for another when it is dropped.
        self.bucket.as_ref().is_none_or(Bucket::take).then_some(pass)
    }

    /// Enters with one message more of the same attempt, which needs a token of its own.
    pub(crate) fn enter_more(&self) -> bool {
        self.bucket.as_ref().is_none_or(Bucket::take)
    }

    /// One message of an attempt is not handled after all.
    pub(crate) fn put_back(&self) {
        if let Some(bucket) = &self.bucket {
            bucket.put_back();
        }
    }

    /// Goes back without having found anything to attempt.
    pub(crate) fn leave(&self, pass: &mut Pass) {
        *pass = Pass::default();
        if let Some(bucket) = &self.bucket {
            bucket.put_back();
        }
    }

    /// Resolves when there was a token.
    pub(crate) async fn ready(&self) {
        if let Some(bucket) = &self.bucket {
            bucket.ready().await;
        }
    }

    /// Records a success.
    #[inline]
    pub(crate) fn succeeded(&self, pass: &mut Pass, subscriber: &Text) {
        if let Some(breaker) = &self.breaker {
            breaker.succeeded(pass, subscriber);
        }
    }

    /// Records how an attempt ended.
    pub(crate) fn record(&self, pass: &mut Pass, ended: Ended, subscriber: &Text) {
        if let Some(breaker) = &self.breaker {
            breaker.record(pass, ended, subscriber);
        }
    }
}
