//! What OpenTelemetry makes of what the engine says.

use std::{borrow::Cow, collections::HashMap, fmt, sync::Arc};

use opentelemetry::{
    Context, KeyValue,
    trace::{Link, Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, TraceId, Tracer as _},
};
use opentelemetry_sdk::trace::{SdkTracer, Span};

use super::{
    attributes::{self, System},
    identity::{context_of, ids_of, of_message, random, rooted},
    pending::Sent,
    propagation::{Found, Propagation, is_more, of_ids},
    sampling::Sampling,
};
use crate::{
    context::Receiver,
    headers::{HeaderValue, names},
    message::Message,
    text::Text,
    trace::{AttemptEnd, Flow, Ids, Pending, Settling, Trace, Under},
};

/// Makes spans.
pub(crate) struct Spans {
    tracer: SdkTracer,
    sampling: Sampling,
    propagation: Propagation,
    /// The messaging system of each transport.
    systems: HashMap<Text, System>,
}

/// What is kept of a flow: the attempt's span, if it is recorded, and what travels with it.
struct Kept(Context);

impl Spans {
    pub(crate) fn new(
        tracer: SdkTracer,
        sampling: Sampling,
        propagation: Propagation,
        systems: HashMap<Text, System>,
    ) -> Self {
        Self { tracer, sampling, propagation, systems }
    }

    fn system(&self, transport: &str) -> &System {
        self.systems.get(transport).unwrap_or(&System::UNKNOWN)
    }

    /// Begins a span: under this, or as a root of this trace.
    fn begin(&self, builder: SpanBuilder, above: &Context, root: Option<TraceId>) -> Span {
        let begin = || self.tracer.build_with_context(builder, above);
        match root {
            None => begin(),
            Some(trace) => rooted(trace, begin),
        }
    }

    fn builder(name: impl Into<Cow<'static, str>>, kind: SpanKind, attributes: Vec<KeyValue>) -> SpanBuilder {
        SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes)
    }
}

/// The flow of a span that has begun.
fn flow_of(cx: Context, otherwise: Option<Ids>) -> Option<Flow> {
    // A provider that was shut down begins none.
    let ids = ids_of(cx.span().span_context()).or(otherwise)?;
    Some(Flow::keeping(ids, Arc::new(Kept(cx))))
}

/// The flow of what isn't recorded.
fn unrecorded(ids: Ids, cx: Option<Context>) -> Flow {
    match cx.filter(is_more) {
        Some(cx) => Flow::keeping(ids, Arc::new(Kept(of_ids(&cx, ids)))),
        None => Flow::plain(ids),
    }
}

impl Trace for Spans {
    fn process(&self, receiver: &Receiver, message: &Message, attempt: u32) -> Flow {
        let found = self.propagation.read(&message.headers);
        let (trace, span) = if let Some(ids) = found.ids {
            (ids.trace_bytes(), ids.span_bytes())
        } else {
            let (trace, span) = of_message(message);
            (trace.to_bytes(), span.to_bytes())
        };
        let trace_id = TraceId::from_bytes(trace);
        let sampled = self.sampling.decide(found.ids.map(|ids| ids.is_sampled()), trace_id);
        let above = Ids::new(trace, span, sampled).unwrap_or(Ids::SOME);
        if !sampled {
            return unrecorded(above, found.cx);
        }
        let attributes = attributes::process(self.system(&receiver.transport), receiver, message, attempt);
        let mut builder = Self::builder(format!("process {}", receiver.queue), SpanKind::Consumer, attributes);
        if let Some(before) = attempt_before(message, attempt) {
            builder = builder.with_links(vec![Link::with_context(context_of(before))]);
        }
        let root = found.ids.is_none().then_some(trace_id);
        let parent = found.into_context();
        let span = self.begin(builder, &parent, root);
        flow_of(parent.with_span(span), Some(above)).unwrap_or_else(|| Flow::plain(above))
    }

    fn process_batch(&self, receiver: &Receiver, messages: &mut dyn Iterator<Item = &Message>) -> Flow {
        let (mut links, mut many, mut sampled) = (Vec::new(), 0, None);
        for message in messages {
            many += 1;
            if let Some(ids) = self.propagation.read(&message.headers).ids {
                sampled = Some(sampled.unwrap_or(false) || ids.is_sampled());
                if ids.is_sampled() {
                    links.push(Link::with_context(context_of(ids)));
                }
            }
        }
        let (trace, span) = random();
        // Nobody's child: it is recorded if one of its messages is, so that whoever follows that one finds it.
        let sampled = self.sampling.decide(sampled, trace);
        let own = Ids::new(trace.to_bytes(), span.to_bytes(), sampled).unwrap_or(Ids::SOME);
        if !sampled {
            return Flow::plain(own);
        }
        let attributes = attributes::process_batch(self.system(&receiver.transport), receiver, many);
        let builder = Self::builder(format!("process {}", receiver.queue), SpanKind::Consumer, attributes);
        let cx = Context::new();
        let span = self.begin(builder.with_links(links), &cx, Some(trace));
        flow_of(cx.with_span(span), Some(own)).unwrap_or_else(|| Flow::plain(own))
    }

    fn trace_of(&self, message: &Message) -> Option<Ids> {
        self.propagation.read(&message.headers).ids.or_else(|| {
            let (trace, span) = (!message.id.is_empty()).then(|| of_message(message))?;
            Ids::new(trace.to_bytes(), span.to_bytes(), false)
        })
    }

    fn within(&self, flow: &Flow, poll: &mut dyn FnMut()) {
        let cx = match flow.kept::<Kept>() {
            Some(Kept(cx)) => cx.clone(),
            // Spans of the handler's own follow what was decided.
            None => Context::new().with_remote_span_context(context_of(flow.ids())),
        };
        let _attached = cx.attach();
        poll();
    }

    fn handle(&self, flow: &Flow, receiver: &Receiver, handler: &'static str) -> Option<Flow> {
        let Kept(cx) = flow.kept().filter(|_| flow.ids().is_sampled())?;
        let attributes = attributes::handle(receiver, handler);
        let builder = Self::builder(format!("handle {handler}"), SpanKind::Internal, attributes);
        flow_of(cx.with_span(self.begin(builder, cx, None)), None)
    }

    fn processed(&self, flow: &Flow, ended: AttemptEnd<'_>) {
        let Some(Kept(cx)) = flow.kept() else { return };
        let span = cx.span();
        if !span.is_recording() {
            return;
        }
        match ended {
            AttemptEnd::Well => {}
            AttemptEnd::Discarded(reason) => {
                span.set_attribute(attributes::reason("swit.discarded", reason));
            }
            AttemptEnd::Failed(failure) => {
                span.set_attribute(KeyValue::new("error.type", attributes::error_type(failure)));
                span.set_attribute(KeyValue::new("swit.error.class", failure.class().as_str()));
                span.set_status(attributes::failed(&failure.text()));
            }
            AttemptEnd::Refused { reason, failure } => {
                span.set_attribute(attributes::reason("error.type", reason));
                span.set_attribute(KeyValue::new("swit.error.class", failure.class().as_str()));
                span.set_status(attributes::failed(&failure.text()));
            }
            AttemptEnd::Cancelled => {
                span.set_attribute(KeyValue::new("error.type", "cancelled"));
                span.set_status(Status::error("it was cancelled before it came to its end"));
            }
        }
        span.end();
    }

    fn settle(
        &self,
        flow: &Flow,
        receiver: &Receiver,
        message: &Message,
        how: Settling<'_>,
    ) -> Option<Box<dyn Pending>> {
        let Kept(cx) = flow.kept().filter(|_| flow.ids().is_sampled())?;
        let attributes = attributes::settle(self.system(&receiver.transport), receiver, message, how);
        let mut builder = Self::builder(format!("{} {}", how.name(), receiver.queue), SpanKind::Client, attributes);
        // Several that are attempted together are in a trace of their own: whoever looks at the message's finds this.
        let from = self.propagation.read(&message.headers).ids.filter(Ids::is_sampled);
        if let Some(from) = from.filter(|from| from.trace_bytes() != flow.ids().trace_bytes()) {
            builder = builder.with_links(vec![Link::with_context(context_of(from))]);
        }
        Some(Box::new(Sent::new(self.begin(builder, cx, None), true)))
    }

    fn send(&self, message: &mut Message, transport: &str, under: Under<'_>) -> Option<Box<dyn Pending>> {
        let (current, baggage) = match Found::current() {
            current @ Found { ids: Some(_), .. } => (Some(current), Found::default()),
            baggage => (None, baggage),
        };
        let found = if under.own {
            under.carried.map(|headers| self.propagation.read(headers)).filter(|found| found.ids.is_some())
        } else {
            None
        };
        let beside = found.is_some().then(|| current.as_ref().and_then(|found| found.ids)).flatten();
        let found = found
            .or(current)
            .or_else(|| {
                let flow = under.flow?;
                Some(Found { ids: Some(flow.ids()), cx: flow.kept::<Kept>().map(|kept| kept.0.clone()) })
            })
            .unwrap_or_else(|| self.propagation.read(&message.headers).or(baggage));
        let (trace, parent) = if let Some(ids) = found.ids {
            (TraceId::from_bytes(ids.trace_bytes()), ids)
        } else {
            let (trace, span) = random();
            (trace, Ids::new(trace.to_bytes(), span.to_bytes(), false).unwrap_or(Ids::SOME))
        };
        if !self.sampling.decide(found.ids.map(|ids| ids.is_sampled()), trace) {
            let ids = parent.unsampled();
            let cx = found.cx.filter(is_more).map(|cx| of_ids(&cx, ids));
            self.propagation.write(ids, cx.as_ref(), under.carried, &mut message.headers);
            return None;
        }
        let identified = !message.id.is_empty();
        let attributes = attributes::send(self.system(transport), message);
        let mut builder = Self::builder(format!("send {}", message.topic), SpanKind::Producer, attributes);
        if let Some(beside) = beside.filter(Ids::is_sampled) {
            builder = builder.with_links(vec![Link::with_context(context_of(beside))]);
        }
        let root = found.ids.is_none().then_some(trace);
        let above = found.into_context();
        let span = self.begin(builder, &above, root);
        let ids = ids_of(span.span_context()).unwrap_or(parent);
        let cx = is_more(&above).then(|| above.with_remote_span_context(span.span_context().clone()));
        self.propagation.write(ids, cx.as_ref(), under.carried, &mut message.headers);
        Some(Box::new(Sent::new(span, identified)))
    }
}

/// The attempt that this one follows, where that was made elsewhere: its copy says so. One that follows in this process is
/// made with the same message, whose number is an earlier one.
fn attempt_before(message: &Message, attempt: u32) -> Option<Ids> {
    let before = message.headers.get_str(&names::AFTER_ATTEMPT)?;
    let number = message.headers.get(&names::ATTEMPT).and_then(HeaderValue::as_integer).unwrap_or(1);
    if i64::from(attempt) == number { Ids::parse(before) } else { None }
}

impl fmt::Debug for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spans").field("sampling", &self.sampling).finish_non_exhaustive()
    }
}
