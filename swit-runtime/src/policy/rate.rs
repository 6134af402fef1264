//! The rate limit: a token bucket that delays pulling and refuses nothing.
//!
//! Guarantees: in any stretch of time no more attempts begin than its rate allows and `burst` on top; all workers share it;
//! whoever took a token and found nothing to do with it puts it back; of those that wait, one at a time waits for the clock.
//!
//! It is kept as one number, the time at which the bucket would be full again (the generic cell rate algorithm), and, where a
//! bucket is large, a few tokens in hand that were taken out of it together: looking at the clock for each would cost more
//! than all the rest.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use swit_grammar::RateLimit;
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

use super::window::nanos;

const SECOND: u64 = 1_000_000_000;
/// Most tokens in hand, whatever the bucket.
const MOST_IN_HAND: u32 = 16;

/// One subscriber's bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    base: Instant,
    /// Nanoseconds that a token takes to come.
    token: u64,
    /// Nanoseconds that all tokens of the bucket but one take to come.
    slack: u64,
    /// Most tokens that are taken out together: at most a tenth of all, so that those in hand and those in the bucket are
    /// never more than the burst.
    handful: u32,
    /// Tokens in hand, less than a handful.
    hand: AtomicU32,
    /// When it is full again, in nanoseconds since `base`.
    full: AtomicU64,
    /// One of those that wait looks at the clock; the others wait for their turn.
    turn: Semaphore,
    /// How many look out for one that is put back.
    waiting: AtomicU32,
    /// A token was put back.
    returned: Notify,
}

impl Bucket {
    /// A full one.
    pub(crate) fn new(limit: RateLimit) -> Self {
        // Rounded up: never more than is allowed.
        let token = SECOND.div_ceil(u64::from(limit.per_second().max(1)));
        let handful = (limit.burst() / 10).clamp(1, MOST_IN_HAND);
        let slack = token.saturating_mul(u64::from(limit.burst() - handful));
        Self {
            base: Instant::now(),
            token,
            slack,
            handful,
            hand: AtomicU32::new(handful - 1),
            full: AtomicU64::new(0),
            turn: Semaphore::new(1),
            waiting: AtomicU32::new(0),
            returned: Notify::new(),
        }
    }

    /// Takes a token, if there is one.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        if self.handful > 1
            && self.hand.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |hand| hand.checked_sub(1)).is_ok()
        {
            return true;
        }
        let now = self.now();
        let mut taken = 0;
        let found = self.full.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
            let full = full.max(now);
            let left = self.slack.checked_sub(full - now)?;
            taken = u64::from(self.handful).min(left / self.token + 1);
            Some(full + taken * self.token)
        });
        if found.is_err() {
            return false;
        }
        // Below a handful, so it fits. Whoever was quicker has filled the hand: then these go back.
        let rest = u32::try_from(taken - 1).unwrap_or_default();
        if rest > 0 && self.hand.compare_exchange(0, rest, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            self.full.fetch_sub(u64::from(rest) * self.token, Ordering::Relaxed);
        }
        true
    }

    /// Puts back a token that was taken for nothing.
    pub(crate) fn put_back(&self) {
        // It may have come out of the hand while the bucket was full: there it has no room.
        let back = |full: u64| Some(full.saturating_sub(self.token));
        let _ = self.full.fetch_update(Ordering::SeqCst, Ordering::Relaxed, back);
        // Whoever waits says so before it looks, and this looks after it has put back: one of them sees the other.
        if self.waiting.load(Ordering::SeqCst) > 0 {
            self.returned.notify_waiters();
        }
    }

    /// Resolves when there was a token. Somebody else may have taken it by then: look once more.
    pub(crate) async fn ready(&self) {
        // Never closed.
        let _turn = self.turn.acquire().await;
        let _waits = Waits::on(&self.waiting);
        loop {
            let returned = self.returned.notified();
            let at = self.full.load(Ordering::SeqCst).saturating_sub(self.slack);
            if at <= self.now() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(self.base + Duration::from_nanos(at)) => {}
                () = returned => {}
            }
        }
    }

    #[inline]
    fn now(&self) -> u64 {
        nanos(self.base.elapsed()).min(u64::MAX / 2)
    }
}

/// One that waits, until it is dropped.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    fn on(waiting: &'a AtomicU32) -> Self {
        waiting.fetch_add(1, Ordering::SeqCst);
        Self(waiting)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use tokio::time::{advance, sleep};

    use super::*;

    fn bucket(per_second: u32, burst: u32) -> Bucket {
        Bucket::new(RateLimit { per_second: Some(per_second), burst: Some(burst) })
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_full_at_first_and_fills_at_its_rate() {
        let bucket = bucket(10, 3);
        assert_eq!((0..10).filter(|_| bucket.take()).count(), 3);
        advance(Duration::from_millis(99)).await;
        assert!(!bucket.take());
        advance(Duration::from_millis(1)).await;
        assert!(bucket.take() && !bucket.take());
        advance(Duration::from_hours(1)).await;
        assert_eq!((0..10).filter(|_| bucket.take()).count(), 3);
        bucket.put_back();
        assert!(bucket.take() && !bucket.take());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_is_woken_by_the_clock_and_by_what_is_put_back() {
        let bucket = Arc::new(bucket(1, 1));
        assert!(bucket.take());
        let began = Instant::now();
        bucket.ready().await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert!(bucket.take());
        let waiting = tokio::spawn({
            let bucket = bucket.clone();
            async move { bucket.ready().await }
        });
        sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished());
        bucket.put_back();
        sleep(Duration::from_millis(1)).await;
        assert!(waiting.is_finished());
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_bucket_survives_any_number_of_tokens_taken_for_nothing() {
        let bucket = bucket(1_000, 1_000);
        for _ in 0..10_000 {
            assert!(bucket.take());
            bucket.put_back();
        }
        let most = (0..2_000).filter(|_| bucket.take()).count();
        assert!((985..=1_000).contains(&most), "{most}");
        advance(Duration::from_millis(100)).await;
        assert_eq!((0..2_000).filter(|_| bucket.take()).count(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn many_that_wait_take_no_more_than_there_is() {
        let bucket = Arc::new(bucket(100, 5));
        let mut waiting = tokio::task::JoinSet::new();
        let began = Instant::now();
        for _ in 0..305 {
            let bucket = bucket.clone();
            waiting.spawn(async move {
                while !bucket.take() {
                    bucket.ready().await;
                }
            });
        }
        waiting.join_all().await;
        assert_eq!(began.elapsed(), Duration::from_secs(3));
    }

    proptest! {
        /// Whatever is asked for and when, no stretch of time has more than its share.
        #[test]
        fn no_stretch_has_more_than_its_share(
            rate in 1u32..2_000, burst in 1u32..300, steps in prop::collection::vec(0u64..50_000, 1..200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            runtime.block_on(async {
                let bucket = bucket(rate, burst);
                let mut taken = Vec::new();
                for step in steps {
                    advance(Duration::from_micros(step)).await;
                    // One that is taken for nothing is as if it had never been.
                    if bucket.take() {
                        bucket.put_back();
                    }
                    while bucket.take() {
                        taken.push(bucket.base.elapsed().as_secs_f64());
                    }
                }
                for (first, from) in taken.iter().enumerate() {
                    let most = |to: f64| (to - from) * f64::from(rate) + f64::from(burst) + 1e-6;
                    for (count, to) in taken[first..].iter().enumerate() {
                        prop_assert!((count + 1) as f64 <= most(*to), "{} within {}", count + 1, to - from);
                    }
                }
                Ok(())
            })?;
        }
    }
}
