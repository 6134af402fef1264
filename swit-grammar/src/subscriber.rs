//! What the keys of one subscriber must be to each other, wherever they are written.
//!
//! `#[subscriber]` calls [`Keys::faults`] with the attribute's values, start-up calls it again with the values that
//! the deployment's configuration left: a combination that does not compile does not start either.

use std::time::Duration;

use crate::{
    Backoff, Breaker, Fault, RateLimit,
    limits::{DEFAULT_RETRIES, MAX_CONCURRENCY, MAX_PREFETCH, MAX_RETRIES, MIN_DEFAULT_PREFETCH},
};

/// Who settles a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AckMode {
    /// swit, after the handler: the default.
    #[default]
    Auto,
    /// The handler, with its `Ack` argument.
    Manual,
    /// Nobody: the delivery counts as done when it is handed out. At most once.
    None,
}

/// What keeps its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Nothing: workers take what comes.
    #[default]
    Unordered,
    /// `ordered`: the whole subscription, one message after the other.
    Subscription,
    /// `order_by = key`: messages of one message key.
    Key,
    /// `order_by = header("…")`: messages with one value of that header.
    Header(&'static str),
}

/// The keys of one subscriber that must agree with each other.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// Workers.
    pub concurrency: u32,
    /// Deliveries held at once, where written.
    pub prefetch: Option<u32>,
    /// What keeps its order.
    pub order: Order,
    /// Who settles.
    pub ack: AckMode,
    /// Time an attempt may take.
    pub timeout: Duration,
    /// Retries, where written.
    pub retries: Option<u32>,
    /// Backoff, where written.
    pub backoff: Option<Backoff>,
    /// The dead-letter queue, where one is written.
    pub dead_letter: Option<&'a str>,
    /// The queue that is consumed, where it is known.
    pub queue: Option<&'a str>,
    /// The circuit breaker, where there is one.
    pub circuit_breaker: Option<Breaker>,
    /// The rate limit, where there is one.
    pub rate_limit: Option<RateLimit>,
}

impl Keys<'_> {
    /// The prefetch: as written, else twice the workers and at least 32.
    pub fn prefetch(&self) -> u32 {
        self.prefetch.unwrap_or_else(|| self.concurrency.saturating_mul(2).clamp(MIN_DEFAULT_PREFETCH, MAX_PREFETCH))
    }

    /// Retries after the first attempt, where the error itself says nothing.
    pub fn retries(&self) -> u32 {
        match self.ack {
            AckMode::None => 0,
            _ => self.retries.unwrap_or(DEFAULT_RETRIES),
        }
    }

    /// Everything that these keys say wrong.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |key, message: String, help: &str| faults.push(Fault::new(message, help).at(key));
        if self.concurrency == 0 || self.concurrency > MAX_CONCURRENCY {
            refuse("concurrency", format!("`concurrency` is {}", self.concurrency), "use 1 to 65535 workers");
        }
        if self.order == Order::Subscription && self.concurrency > 1 {
            refuse(
                "concurrency",
                format!("`ordered` handles one message at a time, but `concurrency` is {}", self.concurrency),
                "remove `concurrency`, or keep order per key with `order_by = key`",
            );
        }
        match self.prefetch {
            Some(0) => refuse("prefetch", "`prefetch` is 0, which brokers take for unlimited".into(), "use 1 to 65535"),
            Some(prefetch) if prefetch > MAX_PREFETCH => {
                refuse("prefetch", format!("`prefetch` is {prefetch}"), "use 1 to 65535");
            }
            Some(prefetch) if prefetch < self.concurrency => refuse(
                "prefetch",
                format!(
                    "`prefetch` ({prefetch}) is below `concurrency` ({}), so that workers would starve",
                    self.concurrency
                ),
                "raise `prefetch` to at least `concurrency`",
            ),
            _ => {}
        }
        if self.timeout.is_zero() {
            refuse("timeout", "`timeout` is zero".into(), "give an attempt time, such as \"30s\"");
        }
        if let Some(retries) = self.retries {
            if retries > MAX_RETRIES {
                refuse("retries", format!("`retries` is {retries}"), "use at most 100");
            }
            if retries > 0 && self.ack == AckMode::None {
                refuse(
                    "retries",
                    "`retries` needs a delivery that can come back, but `ack = \"none\"` settles it when it is handed out".into(),
                    "remove `retries` or `ack = \"none\"`",
                );
            }
        }
        if let Some(Err(fault)) = self.backoff.map(|backoff| backoff.check()) {
            faults.push(fault.at("backoff"));
        }
        faults.extend(self.circuit_breaker.iter().flat_map(Breaker::faults));
        faults.extend(self.rate_limit.iter().flat_map(RateLimit::faults));
        if let Some(dead_letter) = self.dead_letter {
            if self.ack == AckMode::None {
                faults.push(
                    Fault::new(
                        "`dead_letter` needs a delivery that is still ours, but `ack = \"none\"` settles it when it is handed out",
                        "remove `dead_letter` or `ack = \"none\"`",
                    )
                    .at("dead_letter"),
                );
            }
            if self.queue == Some(dead_letter) {
                faults.push(
                    Fault::new(
                        format!("`dead_letter` names the queue \"{dead_letter}\" that this subscriber consumes"),
                        "name another queue, or a failed message would come back for ever",
                    )
                    .at("dead_letter"),
                );
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys<'static> {
        Keys {
            concurrency: 1,
            prefetch: None,
            order: Order::Unordered,
            ack: AckMode::Auto,
            timeout: Duration::from_secs(30),
            retries: None,
            backoff: None,
            dead_letter: None,
            queue: None,
            circuit_breaker: None,
            rate_limit: None,
        }
    }

    #[test]
    fn defaults_are_right() {
        assert!(keys().faults().is_empty());
        assert_eq!(keys().prefetch(), 32);
        assert_eq!(Keys { concurrency: 40, ..keys() }.prefetch(), 80);
        assert_eq!(keys().retries(), 3);
    }

    #[test]
    fn every_disagreement_is_found_at_its_key() {
        let faults = Keys {
            concurrency: 4,
            prefetch: Some(2),
            order: Order::Subscription,
            ack: AckMode::None,
            timeout: Duration::ZERO,
            retries: Some(101),
            backoff: Some(Backoff::fixed(Duration::ZERO)),
            dead_letter: Some("q"),
            queue: Some("q"),
            circuit_breaker: Some(Breaker { failures: Some(0), ..Breaker::DEFAULT }),
            rate_limit: Some(RateLimit::default()),
        }
        .faults();
        let found: Vec<_> = faults.iter().map(|fault| fault.key).collect();
        assert_eq!(
            found,
            [
                "concurrency",
                "prefetch",
                "timeout",
                "retries",
                "retries",
                "backoff",
                "circuit_breaker.failures",
                "rate_limit.per_second",
                "dead_letter",
                "dead_letter"
            ]
        );
    }
}
