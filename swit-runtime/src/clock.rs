//! Wall-clock time, injectable: what stands in timestamps and headers. Waiting uses tokio's clock, which tests pause.

use std::{fmt, sync::Arc, time::SystemTime};

/// Tells the wall-clock time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Injected(Arc<dyn Fn() -> SystemTime + Send + Sync>),
}

impl Clock {
    /// The operating system's clock.
    pub const SYSTEM: Self = Self(Source::System);

    /// A clock that tells what `now` returns.
    pub fn injected(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Source::Injected(Arc::new(now)))
    }

    /// Whether it is the operating system's.
    #[cfg(feature = "testing")]
    pub(crate) fn is_system(&self) -> bool {
        matches!(self.0, Source::System)
    }

    /// The time.
    #[inline]
    pub fn now(&self) -> SystemTime {
        match &self.0 {
            Source::System => SystemTime::now(),
            Source::Injected(now) => now(),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::SYSTEM
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock::SYSTEM",
            Source::Injected(_) => "Clock::injected",
        })
    }
}
