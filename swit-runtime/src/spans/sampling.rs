//! Which traces are recorded: those whose beginning was, and of those that begin here a share.
//!
//! It is decided before there is anything to record: the SDK's own sampler is asked only where a span begins anyway, and
//! answers the same.

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, SpanKind, TraceId},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};

use super::identity::take_decided;

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampling {
    ratio: f64,
    /// A trace's id below this, of 63 bits, is recorded; `None`: all are.
    bound: Option<u64>,
    parent_based: bool,
}

impl Sampling {
    /// This share, 0 to 1, of what begins here; where a trace comes from elsewhere, what was decided there, unless it isn't
    /// asked.
    pub(crate) fn ratio(ratio: f64, parent_based: bool) -> Self {
        let ratio = ratio.clamp(0.0, 1.0);
        // As the SDK reckons, so that both decide the same.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 2^63")]
        let bound = (ratio < 1.0).then_some((ratio * (1_u64 << 63) as f64) as u64);
        Self { ratio, bound, parent_based }
    }

    /// Whether a trace is recorded. `parent`: what was decided where it comes from.
    #[inline]
    pub(crate) fn decide(&self, parent: Option<bool>, trace: TraceId) -> bool {
        match (parent, self.bound) {
            (Some(sampled), _) if self.parent_based => sampled,
            (_, None) => true,
            (_, Some(bound)) => {
                #[expect(clippy::cast_possible_truncation, reason = "its last 64 bits are meant")]
                let low = u128::from_be_bytes(trace.to_bytes()) as u64;
                low >> 1 < bound
            }
        }
    }

    /// The same, for the SDK.
    pub(crate) fn sampler(&self) -> impl ShouldSample + 'static {
        Decided(self.of_the_sdk())
    }

    fn of_the_sdk(&self) -> Sampler {
        let root = match self.bound {
            None => Sampler::AlwaysOn,
            Some(0) => Sampler::AlwaysOff,
            Some(_) => Sampler::TraceIdRatioBased(self.ratio),
        };
        if self.parent_based { Sampler::ParentBased(Box::new(root)) } else { root }
    }
}

/// Asks nobody where it is decided already.
#[derive(Debug, Clone)]
struct Decided(Sampler);

impl ShouldSample for Decided {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        name: &str,
        kind: &SpanKind,
        attributes: &[KeyValue],
        links: &[Link],
    ) -> SamplingResult {
        let mut result = self.0.should_sample(parent, trace, name, kind, attributes, links);
        if take_decided() {
            result.decision = SamplingDecision::RecordAndSample;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sdk_decides_the_same() {
        for ratio in [0.0, 0.1, 0.5, 0.999, 1.0] {
            let sampling = Sampling::ratio(ratio, true);
            for n in 0..2_000_u128 {
                let trace = TraceId::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c9d_44b1_e2a7) | 1);
                let theirs =
                    sampling.sampler().should_sample(Some(&Context::new()), trace, "x", &SpanKind::Consumer, &[], &[]);
                let theirs = theirs.decision == SamplingDecision::RecordAndSample;
                assert_eq!(sampling.decide(None, trace), theirs, "{ratio} {trace}");
            }
        }
    }

    #[test]
    fn what_was_decided_elsewhere_stands_unless_it_is_not_asked() {
        let trace = TraceId::from(1);
        assert!(Sampling::ratio(0.0, true).decide(Some(true), trace));
        assert!(!Sampling::ratio(1.0, true).decide(Some(false), trace));
        assert!(Sampling::ratio(1.0, false).decide(Some(false), trace));
    }
}
