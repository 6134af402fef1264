//! Places at which a test may end the process, as a crash would: feature `failpoints`, and nothing at all without it.
//!
//! `SWIT_FAILPOINT=after_handler:3` ends it at the third time that `after_handler` is passed.

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
