//! The middle of what was measured, and other quantiles.

/// Measurements of one contender, of which the first, the warm-up, does not count.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Notes a measurement of this round.
    pub(crate) fn add(&mut self, round: usize, value: f64) {
        if round > 0 {
            self.0.push(value);
        }
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of an index is an index")]
        let at = (share * (sorted.len() - 1) as f64).round() as usize;
        sorted[at]
    }
}
