//! What of a delivery's headers belongs to a trace, and goes on to what is published under it.

use crate::headers::{Headers, names};

/// The headers of W3C trace context and baggage.
pub(crate) const W3C: [crate::text::Text; 3] = [names::TRACEPARENT, names::TRACESTATE, names::BAGGAGE];

/// The headers of a message, if some of them belong to a trace.
pub(crate) type Carried = Option<Headers>;

/// Gives headers whatever of these belongs to a trace, unless they say something of it themselves.
pub(crate) fn forward(from: &Headers, to: &mut Headers) {
    if from.is_empty() {
        return;
    }
    // The state belongs to its own `traceparent`, and goes with no other.
    let is_text = from.get(&names::TRACEPARENT).is_some_and(|value| value.as_str().is_some());
    let with_state = is_text && to.get(&names::TRACEPARENT).is_none();
    for name in W3C.into_iter().filter(|name| *name != names::TRACESTATE || with_state) {
        // What is not text came from nobody who knows what the header means.
        let Some(value) = from.get(&name).filter(|value| value.as_str().is_some()) else { continue };
        if to.get(&name).is_none() {
            to.insert(name, value.clone());
        }
    }
}

/// The headers, shared, if some of them belong to a trace.
pub(crate) fn carried(headers: &Headers) -> Carried {
    let belongs = |name: &str| W3C.iter().any(|known| known.as_str() == name);
    headers.iter().any(|(name, _)| belongs(name)).then(|| headers.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_already_stands() {
        let from: Headers =
            [("traceparent", "a"), ("tracestate", "s"), ("baggage", "b"), ("own", "c")].into_iter().collect();
        let mut to: Headers = [("traceparent", "z")].into_iter().collect();
        forward(&from, &mut to);
        assert_eq!(to, [("traceparent", "z"), ("baggage", "b")].into_iter().collect());
        assert!(carried(&from).is_some());
        let mut whole = Headers::new();
        forward(&from, &mut whole);
        assert_eq!(whole, [("traceparent", "a"), ("tracestate", "s"), ("baggage", "b")].into_iter().collect());
    }

    #[test]
    fn what_is_not_text_stays() {
        let from: Headers = [("traceparent", 1)].into_iter().collect();
        let mut to = Headers::new();
        forward(&from, &mut to);
        assert!(to.is_empty());
        assert!(carried(&[("own", 1)].into_iter().collect()).is_none());
    }
}
