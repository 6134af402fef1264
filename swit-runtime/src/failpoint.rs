//! Places at which a test may end the process, as a crash would, and guarantees that a test may break, to show that it
//! would notice: feature `failpoints`, and nothing at all without it.
//!
//! `SWIT_FAILPOINT=after_handler:3` ends it at the third time that `after_handler` is passed.
//! `SWIT_SABOTAGE=no_resubscribe` breaks one guarantee for as long as the process lives.

/// The places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failpoint {
    /// An attempt is about to begin.
    BeforeHandler,
    /// The handler has returned.
    AfterHandler,
    /// What the handler returned is confirmed; its input is not acknowledged yet.
    BeforeAck,
    /// A copy is confirmed; the input that it replaces is not acknowledged yet.
    AfterCopy,
}

/// The guarantees that can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "rabbitmq", feature = "failpoints")),
    expect(dead_code, reason = "most are guarantees of the RabbitMQ transport")
)]
pub(crate) enum Sabotage {
    /// A delivery is acknowledged before its handler ran.
    AckBeforeHandler,
    /// A delivery is acknowledged before the copy that replaces it is confirmed.
    AckBeforeCopy,
    /// A subscription that was interrupted stays so.
    NoResubscribe,
    /// What was sent counts as confirmed.
    TrustUnconfirmed,
    /// A verdict applies to whatever channel there is.
    NoGenerationFence,
    /// Silence of the broker means nothing.
    NoHeartbeat,
    /// A broker that says nothing for three seconds is given up.
    Impatience,
    /// A message that comes back again and again is handled among all others.
    NoSuspects,
    /// Topology that differs is tried again and again.
    InsistOnTopology,
    /// A shutdown waits for its handlers as long as they take.
    NoDeadline,
}

/// Whether a test broke this guarantee.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is a constant")]
pub(crate) fn is_broken(_: Sabotage) -> bool {
    false
}

/// Whether a test broke this guarantee.
#[cfg(feature = "failpoints")]
pub(crate) fn is_broken(guarantee: Sabotage) -> bool {
    sabotaged(match guarantee {
        Sabotage::AckBeforeHandler => "ack_before_handler",
        Sabotage::AckBeforeCopy => "ack_before_copy",
        Sabotage::NoResubscribe => "no_resubscribe",
        Sabotage::TrustUnconfirmed => "trust_unconfirmed",
        Sabotage::NoGenerationFence => "no_generation_fence",
        Sabotage::NoHeartbeat => "no_heartbeat",
        Sabotage::Impatience => "impatience",
        Sabotage::NoSuspects => "no_suspects",
        Sabotage::InsistOnTopology => "insist_on_topology",
        Sabotage::NoDeadline => "no_deadline",
    })
}

/// Ends the process if a test asked for it.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "there is nothing to call")]
pub(crate) fn hit(_: Failpoint) {}

/// Ends the process if a test asked for it.
#[cfg(feature = "failpoints")]
pub(crate) fn hit(point: Failpoint) {
    armed::hit(point);
}

#[cfg(feature = "failpoints")]
mod armed {
    use std::sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    };

    use super::Failpoint;

    struct Armed {
        name: String,
        nth: u64,
        passed: AtomicU64,
    }

    fn name(point: Failpoint) -> &'static str {
        match point {
            Failpoint::BeforeHandler => "before_handler",
            Failpoint::AfterHandler => "after_handler",
            Failpoint::BeforeAck => "before_ack",
            Failpoint::AfterCopy => "after_copy",
        }
    }

    pub(super) fn hit(point: Failpoint) {
        static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
        let armed = ARMED.get_or_init(|| {
            let text = std::env::var("SWIT_FAILPOINT").ok()?;
            let (name, nth) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Armed { name: name.to_owned(), nth: nth.parse().ok()?, passed: AtomicU64::new(0) })
        });
        if let Some(armed) = armed.as_ref().filter(|armed| armed.name == name(point))
            && armed.passed.fetch_add(1, Ordering::SeqCst) + 1 == armed.nth
        {
            // No destructor runs, nothing is flushed: a crash.
            std::process::abort();
        }
    }
}

/// Whether a test asked for this mistake to be made, by `SWIT_SABOTAGE=name,name`: it shows that the tests see it.
#[cfg(not(feature = "failpoints"))]
#[inline(always)]
#[expect(clippy::inline_always, reason = "there is nothing to call")]
pub(crate) fn sabotaged(_: &str) -> bool {
    false
}

/// Whether a test asked for this mistake to be made, by `SWIT_SABOTAGE=name,name`: it shows that the tests see it.
#[cfg(feature = "failpoints")]
pub(crate) fn sabotaged(name: &str) -> bool {
    static ASKED: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    ASKED.get_or_init(|| std::env::var("SWIT_SABOTAGE").unwrap_or_default()).split(',').any(|asked| asked == name)
}
