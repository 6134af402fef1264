//! What the keys of one subscriber must be to each other, wherever they are written.
//!
//! `#[subscriber]` calls [`Keys::faults`] with the attribute's values, start-up calls it again with the values that
//! the deployment's configuration left: a combination that does not compile does not start either.

use std::time::Duration;

use crate::{
    Backoff, Batch, Breaker, Fault, RateLimit,
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
    /// The batch, where it takes its messages together.
    pub batch: Option<Batch>,
    /// Whether it claims each message in the transaction that its handler writes in.
    pub inbox: bool,
}

impl Keys<'_> {
    /// The prefetch: as written, else twice what the workers handle at once and at least 32.
    pub fn prefetch(&self) -> u32 {
        let default = || self.held().saturating_mul(2).clamp(MIN_DEFAULT_PREFETCH, MAX_PREFETCH);
        self.prefetch.unwrap_or_else(default)
    }

    /// What the workers handle at once.
    fn held(&self) -> u32 {
        self.batch.map_or(self.concurrency, |batch| batch.held(self.concurrency))
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
        if self.backoff.is_some() && self.ack == AckMode::None {
            let message =
                "`backoff` needs a delivery that can come back, but `ack = \"none\"` settles it when it is handed out";
            faults.push(Fault::new(message, "remove `backoff` or `ack = \"none\"`").at("backoff"));
        }
        if let Some(Err(fault)) = self.backoff.map(|backoff| backoff.check()) {
            faults.push(fault.at("backoff"));
        }
        faults.extend(self.circuit_breaker.iter().flat_map(Breaker::faults));
        faults.extend(self.rate_limit.iter().flat_map(RateLimit::faults));
        if let Some(batch) = &self.batch {
            self.together(batch, &mut faults);
        }
        if self.inbox {
            self.once(&mut faults);
        }
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

    /// What a subscriber with an inbox says wrong.
    fn once(&self, faults: &mut Vec<Fault>) {
        let mut refuse = |message: &str, help: &str| faults.push(Fault::new(message, help).at("inbox"));
        match self.ack {
            AckMode::Auto => {}
            AckMode::Manual => refuse(
                "`inbox` commits first and acknowledges then, but `ack = \"manual\"` leaves that to the handler",
                "remove `ack = \"manual\"`",
            ),
            AckMode::None => refuse(
                "`inbox` needs a delivery that can come back, but `ack = \"none\"` settles it when it is handed out",
                "remove `ack = \"none\"`, or `inbox`",
            ),
        }
        if self.batch.is_some() {
            refuse(
                "`inbox` has a transaction for each message, but `batch` handles many at once",
                "remove one of them; each message of a batch that fails would undo those that did not",
            );
        }
    }

    /// What a subscriber that takes its messages together says wrong.
    fn together(&self, batch: &Batch, faults: &mut Vec<Fault>) {
        let before = faults.len();
        faults.extend(batch.faults());
        let numbers_are_right = faults.len() == before;
        let mut refuse = |key, message: String, help: &str| faults.push(Fault::new(message, help).at(key));
        if self.order != Order::Unordered {
            refuse(
                "order",
                "`batch` takes messages together, so it keeps no order".into(),
                "remove `batch`, or `ordered` and `order_by`",
            );
        }
        if self.ack == AckMode::Manual {
            refuse(
                "ack",
                "`batch` settles each message by its outcome, but `ack = \"manual\"` leaves that to the handler".into(),
                "remove `ack = \"manual\"`, and return a `BatchOutcome`",
            );
        }
        if self.retries == Some(0) && self.ack != AckMode::None {
            refuse(
                "retries",
                "`batch` needs a retry: the last attempt at a message is made without its neighbours, \
                 and with `retries = 0` the first would be the last"
                    .into(),
                "write `retries = 1` or more, or remove `batch`",
            );
        }
        let held = batch.held(self.concurrency);
        match self.prefetch {
            Some(prefetch) if prefetch >= self.concurrency && prefetch < held && numbers_are_right => refuse(
                "prefetch",
                format!(
                    "`prefetch` ({prefetch}) is below `max` times `concurrency` ({} x {}), so that no batch would fill",
                    batch.max(),
                    self.concurrency
                ),
                &format!("raise `prefetch` to at least {held}, or leave it out"),
            ),
            None if held > MAX_PREFETCH && numbers_are_right => refuse(
                "batch.max",
                format!(
                    "`batch`: `max` times `concurrency` ({} x {}) is above 65535, which is the most that can be prefetched",
                    batch.max(),
                    self.concurrency
                ),
                "lower one of them",
            ),
            _ => {}
        }
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
            batch: None,
            inbox: false,
        }
    }

    #[test]
    fn a_batch_is_prefetched_twice_and_held_to_the_other_keys() {
        let batch = Batch { max: Some(100), within: Some(Duration::from_millis(100)) };
        let together = Keys { concurrency: 4, batch: Some(batch), ..keys() };
        assert_eq!((together.prefetch(), together.faults()), (800, Vec::new()));
        let found = |keys: Keys<'_>| keys.faults().iter().map(|fault| fault.key).collect::<Vec<_>>();
        assert_eq!(found(Keys { prefetch: Some(400), ..together }), Vec::<&str>::new());
        assert_eq!(found(Keys { prefetch: Some(399), ..together }), ["prefetch"]);
        assert_eq!(found(Keys { prefetch: Some(3), ..together }), ["prefetch"], "said once");
        assert_eq!(found(Keys { concurrency: 1_000, ..together }), ["batch.max"]);
        let wrong = Keys { order: Order::Key, ack: AckMode::Manual, retries: Some(0), ..together };
        assert_eq!(found(wrong), ["order", "ack", "retries"]);
        assert_eq!(found(Keys { ack: AckMode::None, retries: Some(0), ..together }), Vec::<&str>::new());
    }

    #[test]
    fn an_inbox_needs_one_message_that_can_come_back() {
        let inbox = Keys { inbox: true, ..keys() };
        assert_eq!(inbox.faults(), Vec::new());
        let batch = Some(Batch { max: Some(10), within: Some(Duration::from_millis(100)) });
        for wrong in
            [Keys { ack: AckMode::Manual, ..inbox }, Keys { ack: AckMode::None, ..inbox }, Keys { batch, ..inbox }]
        {
            assert_eq!(wrong.faults().iter().map(|fault| fault.key).collect::<Vec<_>>(), ["inbox"]);
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
            batch: None,
            inbox: false,
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
                "backoff",
                "circuit_breaker.failures",
                "rate_limit.per_second",
                "dead_letter",
                "dead_letter"
            ]
        );
    }
}
