//! How long things took, as a histogram of fixed size.

use std::time::Duration;

/// Steps between one power of two and the next: a quantile is at most an eighth off.
const STEPS: usize = 8;
const BUCKETS: usize = 64 * STEPS;

/// How long things took; quantiles are at most an eighth too high.
#[derive(Debug, Clone)]
pub struct Latency {
    counts: Box<[u64; BUCKETS]>,
    total: u64,
}

impl Default for Latency {
    fn default() -> Self {
        Self { counts: Box::new([0; BUCKETS]), total: 0 }
    }
}

impl Latency {
    /// Adds one.
    pub fn record(&mut self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.total += 1;
    }

    /// The time that this share (0 to 1) took at most; zero where nothing was recorded.
    pub fn quantile(&self, share: f64) -> Duration {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
        let rank = ((share.clamp(0.0, 1.0) * self.total as f64).ceil() as u64).max(1);
        let mut sum = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            sum += count;
            if sum >= rank {
                return Duration::from_nanos(upper(bucket));
            }
        }
        Duration::ZERO
    }
}

/// The bucket of a number: its highest bit, and the three that follow.
fn bucket(nanos: u64) -> usize {
    if nanos < STEPS as u64 {
        return usize::try_from(nanos).unwrap_or(0);
    }
    let power = nanos.ilog2();
    let step = usize::try_from(nanos >> (power - 3)).unwrap_or(0) & (STEPS - 1);
    (power as usize - 2) * STEPS + step
}

/// The largest number of a bucket.
fn upper(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let (power, step) = (bucket / STEPS + 2, (bucket % STEPS) as u64);
    // At the very top the next bucket's start does not fit; wrapping gives the largest number there is.
    ((STEPS as u64 + step + 1) << (power - 3)).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_follow_each_other() {
        let mut last = 0;
        for nanos in (0..100_000).chain([1 << 40, u64::MAX / 2, u64::MAX]) {
            let bucket = bucket(nanos);
            assert!(bucket >= last && bucket < BUCKETS && upper(bucket) >= nanos, "{nanos}");
            assert!(upper(bucket) - nanos <= nanos / 8, "{nanos}: {}", upper(bucket));
            last = bucket;
        }
    }

    #[test]
    fn quantiles() {
        let mut latency = Latency::default();
        assert_eq!(latency.quantile(0.99), Duration::ZERO);
        for millis in 1..=100 {
            latency.record(Duration::from_millis(millis));
        }
        let near = |share: f64, millis: u64| {
            let (found, wanted) = (latency.quantile(share), Duration::from_millis(millis));
            assert!(found >= wanted && found <= wanted * 9 / 8, "{found:?}");
        };
        near(0.5, 50);
        near(0.99, 99);
        near(1.0, 100);
        near(0.0, 1);
    }
}
