//! Traces through the headers of messages.

use opentelemetry::{
    Context,
    baggage::BaggageExt as _,
    propagation::{Extractor, Injector, TextMapCompositePropagator, TextMapPropagator},
    trace::{SpanContext, TraceContextExt as _, TraceState},
};

use super::identity::{context_of, ids_of};
use crate::{
    headers::{HeaderValue, Headers, names},
    trace::{Ids, forward},
};

/// How traces go through headers.
#[derive(Debug)]
pub(crate) struct Propagation {
    /// `None`: not at all; what came is handed on as it is.
    propagator: Option<TextMapCompositePropagator>,
    /// A `traceparent` that stands alone says everything, and is read and written without the propagator.
    plain: bool,
}

/// What headers say.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// Where the trace comes from.
    pub(super) ids: Option<Ids>,
    /// The whole, where there is more than ids.
    pub(super) cx: Option<Context>,
}

impl Found {
    /// The whole.
    pub(super) fn into_context(self) -> Context {
        match (self.cx, self.ids) {
            (Some(cx), _) => cx,
            (None, Some(ids)) => Context::new().with_remote_span_context(context_of(ids)),
            (None, None) => Context::new(),
        }
    }

    /// The attempt or the user's own span that runs on this thread, if one does; else the baggage that is attached to it.
    pub(super) fn current() -> Self {
        Context::map_current(|cx| {
            let ids = ids_of(cx.span().span_context());
            let more = ids.is_some_and(|ids| ids.is_sampled()) || is_more(cx);
            Self { ids, cx: more.then(|| cx.clone()) }
        })
    }

    /// This, or the other where it says nothing.
    pub(super) fn or(self, other: Self) -> Self {
        if self.ids.is_none() && self.cx.is_none() { other } else { self }
    }
}

/// What a context says, of these ids: as they were decided, and those of a trace that begins here.
pub(super) fn of_ids(cx: &Context, ids: Ids) -> Context {
    let of = context_of(ids);
    let span = cx.span();
    let theirs = span.span_context();
    if theirs.trace_id() == of.trace_id() && theirs.is_sampled() == of.is_sampled() {
        return cx.clone();
    }
    // What a trace's state says, it says of that trace.
    let state = if theirs.trace_id() == of.trace_id() { theirs.trace_state().clone() } else { TraceState::NONE };
    let (trace, span) = (of.trace_id(), of.span_id());
    cx.with_remote_span_context(SpanContext::new(trace, span, of.trace_flags(), true, state))
}

/// Whether a context says more than ids.
pub(super) fn is_more(cx: &Context) -> bool {
    !cx.baggage().is_empty() || !cx.span().span_context().trace_state().header().is_empty()
}

impl Propagation {
    /// By these. `plain`: among them is W3C's trace context, and none reads other headers than W3C's.
    pub(crate) fn new(propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>>, plain: bool) -> Self {
        let propagator = (!propagators.is_empty()).then(|| TextMapCompositePropagator::new(propagators));
        Self { propagator, plain }
    }

    /// What headers say. What can't be read says nothing.
    #[inline]
    pub(super) fn read(&self, headers: &Headers) -> Found {
        if headers.is_empty() {
            return Found::default();
        }
        if self.plain && headers.get(&names::TRACESTATE).is_none() && headers.get(&names::BAGGAGE).is_none() {
            return Found { ids: headers.get_str(&names::TRACEPARENT).and_then(Ids::parse), cx: None };
        }
        let Some(propagator) = &self.propagator else { return Found::default() };
        let mut cx = propagator.extract_with_context(&Context::new(), &Read(headers));
        let ids = if self.plain {
            // Read the same way whatever comes beside it; the propagator is less strict.
            let ids = headers.get_str(&names::TRACEPARENT).and_then(Ids::parse);
            if ids.is_none() && cx.span().span_context().is_valid() {
                cx = cx.with_remote_span_context(SpanContext::NONE);
            }
            ids
        } else {
            ids_of(cx.span().span_context())
        };
        let cx = (ids.is_some() || is_more(&cx)).then_some(cx);
        Found { ids, cx }
    }

    /// Writes into the headers of a message that is published here: these ids, or `cx`, which says more.
    #[inline]
    pub(super) fn write(&self, ids: Ids, cx: Option<&Context>, carried: Option<&Headers>, headers: &mut Headers) {
        let Some(propagator) = &self.propagator else {
            if let Some(carried) = carried {
                forward(carried, headers);
            }
            return;
        };
        match cx {
            None if self.plain => {
                if !headers.is_empty() {
                    // What was written for another trace.
                    headers.remove(&names::TRACESTATE);
                }
                headers.insert(names::TRACEPARENT, ids.traceparent());
            }
            None => {
                let cx = Context::new().with_remote_span_context(context_of(ids));
                propagator.inject_context(&cx, &mut Write(headers));
            }
            Some(cx) => propagator.inject_context(cx, &mut Write(headers)),
        }
    }
}

/// What is not text, somebody else wrote.
struct Read<'a>(&'a Headers);

impl Extractor for Read<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get_str(key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name).collect()
    }
}

struct Write<'a>(&'a mut Headers);

impl Injector for Write<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            self.0.remove(key);
        } else {
            self.0.insert(key, HeaderValue::from(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

    use super::*;

    fn w3c() -> Propagation {
        Propagation::new(vec![Box::new(TraceContextPropagator::new()), Box::new(BaggagePropagator::new())], true)
    }

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

    #[test]
    fn a_traceparent_is_read_the_same_whatever_comes_beside_it() {
        for (parent, sampled) in [
            (format!("{PARENT}-01"), Some(true)),
            (format!("{PARENT}-00"), Some(false)),
            // Flags of a later version of the standard.
            (format!("{PARENT}-03"), Some(true)),
            (format!("{PARENT}-02"), Some(false)),
            // The propagator takes these.
            (format!(" {PARENT}-01"), None),
            (format!("{PARENT}-01-"), None),
            ("00-1-1-01".to_owned(), None),
        ] {
            let mut headers: Headers = [("traceparent", parent.as_str())].into_iter().collect();
            let alone = w3c().read(&headers);
            headers.insert(names::BAGGAGE, "tenant=a");
            headers.insert(names::TRACESTATE, "a=b");
            let beside = w3c().read(&headers);
            assert_eq!(alone.ids.map(|ids| ids.is_sampled()), sampled, "{parent}");
            assert_eq!(beside.ids, alone.ids, "{parent}");
            let cx = beside.cx.unwrap();
            assert_eq!(cx.baggage().len(), 1);
            assert_eq!(ids_of(cx.span().span_context()), alone.ids, "{parent}");
        }
    }

    #[test]
    fn a_context_says_what_was_decided() {
        let headers: Headers =
            [("traceparent", &*format!("{PARENT}-01")), ("tracestate", "a=b"), ("baggage", "tenant=a")]
                .into_iter()
                .collect();
        let found = w3c().read(&headers);
        let (ids, cx) = (found.ids.unwrap(), found.cx.unwrap());
        let unsampled = of_ids(&cx, ids.unsampled());
        assert_eq!(ids_of(unsampled.span().span_context()), Some(ids.unsampled()));
        assert_eq!(unsampled.span().span_context().trace_state().header(), "a=b");
        let other = of_ids(&cx, Ids::SOME);
        assert_eq!(ids_of(other.span().span_context()), Some(Ids::SOME));
        assert_eq!(other.span().span_context().trace_state().header(), "");
        assert_eq!(other.baggage().len(), 1);
    }
}
