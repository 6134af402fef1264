//! Traces through the headers of messages.

use opentelemetry::{
    Context,
    baggage::BaggageExt as _,
    propagation::{Extractor, Injector, TextMapCompositePropagator, TextMapPropagator},
    trace::TraceContextExt as _,
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

    /// The attempt or the user's own span that runs on this thread, if one does.
    pub(super) fn current() -> Option<Self> {
        Context::map_current(|cx| {
            let span = cx.span();
            let ids = ids_of(span.span_context())?;
            let more = ids.is_sampled() || is_more(cx);
            Some(Self { ids: Some(ids), cx: more.then(|| cx.clone()) })
        })
    }
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
        let cx = propagator.extract_with_context(&Context::new(), &Read(headers));
        let ids = ids_of(cx.span().span_context());
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
