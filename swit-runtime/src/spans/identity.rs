//! Where the ids of traces and spans come from.

use std::{cell::Cell, time::SystemTime};

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::{message::Message, trace};

thread_local! {
    /// The trace that the next root of this thread is to begin.
    static NEXT: Cell<Option<TraceId>> = const { Cell::new(None) };
    /// Its recording is decided.
    static DECIDED: Cell<bool> = const { Cell::new(false) };
}

/// Random ids, but for roots whose trace is known before.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        NEXT.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> SpanId {
        self.0.new_span_id()
    }
}

/// Begins a root in this trace.
pub(super) fn rooted<T>(trace: TraceId, begin: impl FnOnce() -> T) -> T {
    NEXT.set(Some(trace));
    DECIDED.set(true);
    let _over = Over;
    begin()
}

/// Nothing is known of the next root: whoever begins one may not have asked, or have panicked.
struct Over;

impl Drop for Over {
    fn drop(&mut self) {
        NEXT.set(None);
        DECIDED.set(false);
    }
}

/// Whether it is decided that the root that begins on this thread is recorded. Answered once: what its processors begin as
/// it begins is not meant.
pub(super) fn take_decided() -> bool {
    DECIDED.take()
}

/// Random ids of what is not recorded.
pub(super) fn random() -> (TraceId, SpanId) {
    let random = RandomIdGenerator::default();
    (random.new_trace_id(), random.new_span_id())
}

/// The trace and the span of a message that came without: the same for all attempts at it.
///
/// Its id alone would do if all ids were of one kind; a foreign one may be a number that another topic counts, too.
pub(super) fn of_message(message: &Message) -> (TraceId, SpanId) {
    if message.id.is_empty() {
        return random();
    }
    let mut buffer = [0; 36];
    let id = message.id.encode(&mut buffer);
    let millis = message.timestamp.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    let millis = millis.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    let seed = absorb(absorb(millis, id.as_bytes()), message.topic.as_bytes());
    let (high, low, span) = (mix(seed ^ 1), mix(seed ^ 2), mix(seed ^ 3));
    // Zero is no id.
    let trace = (u128::from(high) << 64 | u128::from(low)).max(1);
    (TraceId::from(trace), SpanId::from(span.max(1)))
}

fn absorb(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = seed ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = mix(state ^ u64::from_le_bytes(word));
    }
    state
}

/// The finalizer of `SplitMix64`: each bit of the answer hangs on each bit of the number.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

/// As the engine keeps them. `None`: they are none.
pub(super) fn ids_of(context: &SpanContext) -> Option<trace::Ids> {
    trace::Ids::new(context.trace_id().to_bytes(), context.span_id().to_bytes(), context.is_sampled())
}

/// As OpenTelemetry keeps them, of a span that is somewhere else.
pub(super) fn context_of(ids: trace::Ids) -> SpanContext {
    let flags = if ids.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from_bytes(ids.trace_bytes()), SpanId::from_bytes(ids.span_bytes()));
    SpanContext::new(trace, span, flags, true, TraceState::NONE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::MessageId;

    #[test]
    fn a_messages_trace_follows_from_the_message() {
        let message = |id: &str, topic: &'static str| {
            let mut message = Message::new(topic, "").with_id(MessageId::parse(id).unwrap());
            message.timestamp = Some(SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(490_000));
            message
        };
        let one = of_message(&message("1", "a"));
        assert_eq!(one, of_message(&message("1", "a")));
        let mut retried = message("1", "a").with_header("x-swit-attempt", 2);
        assert_eq!(one, of_message(&retried));
        retried.timestamp = None;
        for other in [message("2", "a"), message("1", "b"), message("1a", ""), retried] {
            assert_ne!(one.0, of_message(&other).0);
        }
        assert_ne!(of_message(&Message::EMPTY).0, of_message(&Message::EMPTY).0);
    }

    #[test]
    fn what_is_decided_is_decided_of_one_root() {
        let trace = TraceId::from(7);
        rooted(trace, || {
            assert_eq!(Ids::default().new_trace_id(), trace);
            assert!(take_decided());
            // What a processor begins as that one begins.
            assert_ne!(Ids::default().new_trace_id(), trace);
            assert!(!take_decided());
        });
        let panicked = std::panic::catch_unwind(|| rooted(trace, || panic!("a processor")));
        assert!(panicked.is_err() && !take_decided());
        assert_ne!(Ids::default().new_trace_id(), trace);
    }

    #[test]
    fn a_share_of_messages_is_a_share_of_traces() {
        let sampling = super::super::Sampling::ratio(0.25, true);
        let sampled = (0..20_000).filter(|_| {
            let message = Message::new("a", "").with_id(MessageId::new(SystemTime::now()));
            sampling.decide(None, of_message(&message).0)
        });
        let share = sampled.count() as f64 / 20_000.0;
        assert!((share - 0.25).abs() < 0.02, "{share}");
    }
}
