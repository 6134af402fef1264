//! What middleware and extractors see of one delivery.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt, mem,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    error_classifier::Rules,
    event::Unrouted,
    headers::Headers,
    id::MessageId,
    message::Message,
    outcome::Failure,
    scope::{Scope, Shared},
    store::Lease,
    text::Text,
    trace::{AttemptEnd, Carried, Flow, Under, carried, forward},
    transport::{BoxFuture, Delivery},
};

/// Who handles the delivery: what of a subscriber concerns its deliveries.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Receiver {
    /// The subscriber's name.
    pub subscriber: Text,
    /// Its consumer group.
    pub group: Text,
    /// The queue that it consumes.
    pub queue: Text,
    /// The transport that it consumes from.
    pub transport: Text,
    /// Time that one attempt may take.
    pub timeout: Duration,
    /// Who says the class of errors that do not say it themselves.
    pub(crate) rules: Rules,
    /// How often an event handler of it failed, where it is a composite.
    pub(crate) handlers_failed: Arc<AtomicU64>,
    /// How many messages its inbox knew.
    pub(crate) duplicates: Arc<AtomicU64>,
}

impl Receiver {
    /// A receiver.
    pub fn new(
        subscriber: impl Into<Text>,
        group: impl Into<Text>,
        queue: impl Into<Text>,
        transport: impl Into<Text>,
        timeout: Duration,
    ) -> Self {
        Self {
            subscriber: subscriber.into(),
            group: group.into(),
            queue: queue.into(),
            transport: transport.into(),
            timeout,
            rules: Rules::default(),
            handlers_failed: Arc::default(),
            duplicates: Arc::default(),
        }
    }

    /// Its inbox knew a message.
    pub(crate) fn was_duplicate(&self) {
        self.duplicates.fetch_add(1, Ordering::Relaxed);
    }

    /// With these rules for errors that do not say their class themselves.
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }
}

/// An event that a handler returned, to be published before its input is settled.
#[derive(Debug)]
#[non_exhaustive]
pub struct Emission {
    /// The message, with its derived id.
    pub message: Message,
    /// What happens where no queue takes it.
    pub unrouted: Unrouted,
}

/// One delivery, as middleware and extractors see it.
///
/// One context serves a worker for all its deliveries, one after the other.
pub struct Context {
    scope: Arc<Scope>,
    receiver: Arc<Receiver>,
    delivery: Delivery,
    /// What is seen of the delivery's message where that is not the message itself: it came compressed.
    seen: Option<Arc<Message>>,
    attempt: u32,
    ordinals: Ordinals,
    emissions: Vec<Emission>,
    extensions: Option<Extensions>,
    pending: Option<Failure>,
    /// The handler, where it is a value and not a function that was linked.
    callable: Option<Shared>,
    /// What few deliveries have; one check for those that have none of it.
    rare: Option<Box<Rare>>,
    /// The trace that the attempt is part of, where somebody traces.
    flow: Option<Flow>,
}

/// What middleware asked of one attempt.
#[derive(Default)]
struct Rare {
    correlation: Option<Text>,
    /// The lock is never taken: it makes a `&Context` one that may cross an await, which the futures alone would not.
    confirmed: Mutex<Vec<BoxFuture<'static, ()>>>,
    /// The transaction that everything of the attempt is written in.
    lease: Option<Arc<Lease>>,
}

impl Rare {
    fn correlated(correlation: Text) -> Self {
        Self { correlation: Some(correlation), ..Self::default() }
    }
}

type ByType = HashMap<TypeId, Box<dyn Any + Send + Sync>>;

/// What middleware left for what runs further inside.
#[derive(Default)]
struct Extensions {
    own: ByType,
    /// Seen by all event handlers of a composite at once.
    shared: Option<Arc<ByType>>,
}

/// Numbers the publications under one delivery, so that each attempt gives them the same ids.
#[derive(Debug, Default)]
struct Ordinals {
    next: u32,
    /// There once a publisher counts along that does not borrow the context.
    shared: Option<Arc<AtomicU32>>,
    /// The event handler that counts for itself.
    handler: Option<&'static str>,
}

impl Context {
    /// A context without a delivery: its message is empty, its attempt 0.
    pub fn new(scope: Arc<Scope>, receiver: Arc<Receiver>) -> Self {
        Self {
            scope,
            receiver,
            delivery: Delivery::empty(),
            seen: None,
            attempt: 0,
            ordinals: Ordinals::default(),
            emissions: Vec::new(),
            extensions: None,
            pending: None,
            callable: None,
            rare: None,
            flow: None,
        }
    }

    /// Handled by this value: a closure of the type that its worker's loop was made for.
    pub(crate) fn with_callable(mut self, callable: Option<Shared>) -> Self {
        self.callable = callable;
        self
    }

    /// The handler, where it is a value of this type.
    #[inline]
    pub(crate) fn callable<C: 'static>(&self) -> Option<&C> {
        self.callable.as_ref()?.downcast_ref()
    }

    /// The message, decompressed: its content encoding is gone where its body came compressed.
    #[inline]
    pub fn message(&self) -> &Message {
        match &self.seen {
            None => self.delivery.message(),
            Some(seen) => seen,
        }
    }

    /// How many bytes the payload has, as it was delivered.
    #[inline]
    pub(crate) fn payload_len(&self) -> usize {
        self.delivery.message().payload.len()
    }

    /// The message's headers.
    pub fn headers(&self) -> &Headers {
        &self.delivery.message().headers
    }

    /// Which attempt this is, counted from 1 over in-process retries and delayed redeliveries together.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How often the message came back because a process or connection died.
    pub fn redeliveries(&self) -> u32 {
        self.delivery.redeliveries
    }

    /// The trace that this attempt is part of, and its place there. `None`: the service traces nothing.
    pub fn trace(&self) -> Option<&Flow> {
        self.flow.as_ref()
    }

    /// What a publication of this attempt goes on in the trace of.
    pub(crate) fn under(&self) -> Under<'_> {
        Under { flow: self.flow.as_ref(), carried: Some(&self.delivery.message().headers), own: false }
    }

    /// Begins to trace the attempt, where somebody traces.
    #[inline]
    pub(crate) fn begin_trace(&mut self) {
        if let Some(tracer) = self.scope.trace() {
            self.flow = Some(tracer.process(&self.receiver, self.message(), self.attempt));
        }
    }

    /// The attempt is part of this.
    pub(crate) fn flow_in(&mut self, flow: Option<Flow>) {
        self.flow = flow;
    }

    /// The attempt is over. The flow stays, for what its settlement publishes.
    #[inline]
    pub(crate) fn end_trace(&self, ended: AttemptEnd<'_>) {
        if let (Some(flow), Some(tracer)) = (&self.flow, self.scope.trace()) {
            tracer.processed(flow, ended);
        }
    }

    /// Who handles it.
    pub fn receiver(&self) -> &Arc<Receiver> {
        &self.receiver
    }

    /// What the whole service shares.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// What middleware put here under this type.
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        let (extensions, id) = (self.extensions.as_ref()?, TypeId::of::<T>());
        let found = extensions.own.get(&id).or_else(|| extensions.shared.as_ref()?.get(&id));
        found?.downcast_ref()
    }

    /// Puts a value here for what runs further inside; handlers take it as `Extension<T>`.
    pub fn insert_extension<T: Send + Sync + 'static>(&mut self, value: T) -> Option<T> {
        let old = self.extensions.get_or_insert_default().own.insert(TypeId::of::<T>(), Box::new(value))?;
        old.downcast().ok().map(|boxed| *boxed)
    }

    /// What the handler returned to be published, in order.
    pub fn emissions(&self) -> &[Emission] {
        &self.emissions
    }

    /// Adds an event to be published, confirmed, before the input is acknowledged, under a derived id.
    pub fn emit(&mut self, message: Message, unrouted: Unrouted) {
        let mut message = message;
        self.link().stamp(&mut message);
        self.emissions.push(Emission { message, unrouted });
    }

    /// Does this once the attempt has succeeded and all that its handler returned is confirmed, just before the input is
    /// acknowledged. An outcome that middleware sees is not yet that: what was returned may still fail to be published,
    /// and then the attempt failed, is made again, and nothing that was asked for here is done.
    ///
    /// It should be quick, since the input waits for it: it is given up after the subscriber's timeout. What it can't do it
    /// must say itself; if it panics, that is logged. With `ack = "manual"` it is done only if the handler acknowledged. In an
    /// event handler's own context it is done once that handler is.
    pub fn on_confirmed(&mut self, then: impl Future<Output = ()> + Send + 'static) {
        self.rare
            .get_or_insert_default()
            .confirmed
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::pin(then));
    }

    /// The correlation id that publications under this delivery carry, unless they have one of their own: set by middleware,
    /// else the message's own, else (there is none here) the message's id.
    pub fn correlation_id(&self) -> Option<&Text> {
        let set = self.rare.as_ref().and_then(|rare| rare.correlation.as_ref());
        set.or(self.delivery.message().correlation_id.as_ref())
    }

    /// Gives publications under this delivery another correlation id than the message's own.
    pub fn set_correlation_id(&mut self, id: impl Into<Text>) {
        self.rare.get_or_insert_default().correlation = Some(id.into());
    }

    /// Everything of the attempt is written in this.
    pub(crate) fn set_lease(&mut self, lease: Option<Arc<Lease>>) {
        self.rare.get_or_insert_default().lease = lease;
    }

    /// The transaction that everything of the attempt is written in, where it has one.
    pub(crate) fn lease(&self) -> Option<&Arc<Lease>> {
        self.rare.as_ref()?.lease.as_ref()
    }

    /// Whether something waits for the confirmation.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.emissions.is_empty() && self.rare.is_none()
    }

    pub(crate) fn take_confirmed(&mut self) -> Vec<BoxFuture<'static, ()>> {
        let confirmed = self.rare.as_mut().map(|rare| rare.confirmed.get_mut().unwrap_or_else(PoisonError::into_inner));
        confirmed.map(mem::take).unwrap_or_default()
    }

    /// What ties a publication to this delivery, for a publisher that does not borrow the context.
    pub fn share_link(&mut self) -> Link {
        let next = self.ordinals.next;
        let ordinals = self.ordinals.shared.get_or_insert_with(|| Arc::new(AtomicU32::new(next))).clone();
        Link {
            input: self.delivery.message().id.clone(),
            correlation_id: self.correlation_id().cloned(),
            receiver: self.receiver.clone(),
            ordinals,
            handler: self.ordinals.handler,
            flow: self.flow.clone(),
            carried: carried(&self.delivery.message().headers),
            own_trace: false,
            lease: self.lease().cloned(),
        }
    }

    /// What gives a publication that has an id of its own the causation, correlation and trace of this delivery.
    pub(crate) fn attribution(&self) -> Link {
        Link {
            input: self.delivery.message().id.clone(),
            correlation_id: self.correlation_id().cloned(),
            receiver: self.receiver.clone(),
            ordinals: Arc::default(),
            handler: None,
            flow: self.flow.clone(),
            carried: carried(&self.delivery.message().headers),
            own_trace: false,
            lease: None,
        }
    }

    fn link(&mut self) -> BorrowedLink<'_> {
        let ordinal = if let Some(shared) = &self.ordinals.shared {
            shared.fetch_add(1, Ordering::Relaxed)
        } else {
            self.ordinals.next += 1;
            self.ordinals.next - 1
        };
        let place = Place { subscriber: &self.receiver.subscriber, handler: self.ordinals.handler, ordinal };
        BorrowedLink {
            input: self.delivery.message(),
            correlation: self.correlation_id(),
            place,
            forwards: self.scope.trace().is_none(),
        }
    }

    /// A context of its own for one event handler: it sees the same delivery and extensions, can't settle, and numbers its
    /// publications by itself.
    pub(crate) fn child(&mut self, handler: &'static str) -> Self {
        Self {
            scope: self.scope.clone(),
            receiver: self.receiver.clone(),
            delivery: self.delivery.view(),
            seen: self.seen.clone(),
            attempt: self.attempt,
            ordinals: Ordinals { handler: Some(handler), ..Ordinals::default() },
            emissions: Vec::new(),
            extensions: self.share_extensions().map(|shared| Extensions { own: ByType::new(), shared: Some(shared) }),
            pending: None,
            callable: None,
            rare: self.rare.as_ref().and_then(|rare| rare.correlation.clone()).map(|id| Box::new(Rare::correlated(id))),
            flow: self.flow.clone(),
        }
    }

    fn share_extensions(&mut self) -> Option<Arc<ByType>> {
        let Extensions { own, shared } = self.extensions.as_mut()?;
        Some(shared.get_or_insert_with(|| Arc::new(mem::take(own))).clone())
    }

    /// Once no child is left: the extensions are this context's own again.
    pub(crate) fn rejoin(&mut self) {
        let Some(Extensions { own, shared }) = &mut self.extensions else { return };
        match shared.take().map(Arc::try_unwrap) {
            Some(Ok(values)) => *own = values,
            Some(Err(still_shared)) => *shared = Some(still_shared),
            None => {}
        }
    }

    /// Takes a delivery in for its attempt of this number.
    #[inline]
    pub(crate) fn begin(&mut self, delivery: Delivery, attempt: u32) {
        self.delivery = delivery;
        self.attempt = attempt;
        if self.ordinals.next != 0 || self.ordinals.shared.is_some() {
            self.ordinals = Ordinals::default();
        }
        if self.extensions.is_some() {
            self.extensions = None;
        }
        self.emissions.clear();
        self.pending = None;
        if self.rare.is_some() {
            self.rare = None;
        }
        if self.flow.is_some() {
            self.flow = None;
        }
    }

    /// Shows this in place of the delivery's message, until it is told otherwise. What is settled, and copied for a retry
    /// or a dead letter, is the message as it came.
    #[inline]
    pub(crate) fn see(&mut self, seen: Option<Arc<Message>>) {
        self.seen = seen;
    }

    /// What is seen in place of the delivery's message.
    pub(crate) fn seen(&self) -> Option<&Arc<Message>> {
        self.seen.as_ref()
    }

    /// Hands the delivery out again; the context is left without one.
    #[inline]
    pub(crate) fn take_delivery(&mut self) -> Delivery {
        mem::replace(&mut self.delivery, Delivery::empty())
    }

    /// The delivery itself.
    pub(crate) fn delivery_mut(&mut self) -> &mut Delivery {
        &mut self.delivery
    }

    pub(crate) fn take_emissions(&mut self) -> Vec<Emission> {
        mem::take(&mut self.emissions)
    }

    /// Remembers a failure while `on_error` is asked about it, in case that panics or overruns the timeout.
    pub fn set_pending(&mut self, failure: Failure) {
        self.pending = Some(failure);
    }

    /// The failure that `on_error` was being asked about.
    pub fn take_pending(&mut self) -> Option<Failure> {
        self.pending.take()
    }
}

/// What ties publications to the delivery under which they happen: causation, correlation and derived ids.
#[derive(Debug, Clone)]
pub struct Link {
    input: MessageId,
    correlation_id: Option<Text>,
    receiver: Arc<Receiver>,
    ordinals: Arc<AtomicU32>,
    handler: Option<&'static str>,
    flow: Option<Flow>,
    carried: Carried,
    /// It goes on in its message's trace, whatever is handled beside it.
    own_trace: bool,
    /// The transaction that publications belong to.
    lease: Option<Arc<Lease>>,
}

impl Link {
    /// What ties publications to this message, handled by this subscriber.
    pub(crate) fn of(input: &Message, receiver: Arc<Receiver>) -> Self {
        Self {
            input: input.id.clone(),
            correlation_id: input.correlation_id.clone(),
            receiver,
            ordinals: Arc::new(AtomicU32::new(0)),
            handler: None,
            flow: None,
            carried: carried(&input.headers),
            own_trace: true,
            lease: None,
        }
    }

    /// Gives a message its derived id where it has none, its causation and its correlation.
    pub fn stamp(&self, message: &mut Message) {
        let ordinal = self.ordinals.fetch_add(1, Ordering::Relaxed);
        let place = Place { subscriber: &self.receiver.subscriber, handler: self.handler, ordinal };
        stamp(message, &self.input, self.correlation_id.as_ref(), place);
    }

    /// Who handles the delivery.
    pub fn receiver(&self) -> &Arc<Receiver> {
        &self.receiver
    }

    /// The transaction that publications belong to, where there is one.
    pub(crate) fn lease(&self) -> Option<&Arc<Lease>> {
        self.lease.as_ref()
    }

    /// The correlation id of what follows from the delivery.
    pub(crate) fn correlation_id(&self) -> Option<Text> {
        self.correlation_id.clone().or_else(|| (!self.input.is_empty()).then(|| self.input.to_string().into()))
    }

    /// The headers of the delivery, where a trace is among them.
    pub(crate) fn carried(&self) -> Option<&Headers> {
        self.carried.as_ref()
    }

    /// What a publication goes on in the trace of.
    pub(crate) fn under(&self) -> Under<'_> {
        Under { flow: self.flow.as_ref(), carried: self.carried.as_ref(), own: self.own_trace }
    }

    /// Hands the delivery's trace on, where nobody traces.
    #[inline]
    pub(crate) fn forward(&self, message: &mut Message) {
        if let Some(carried) = &self.carried {
            forward(carried, &mut message.headers);
        }
    }
}

struct BorrowedLink<'a> {
    input: &'a Message,
    correlation: Option<&'a Text>,
    place: Place<'a>,
    /// Nobody traces, so that the delivery's trace is handed on as it is.
    forwards: bool,
}

/// Which publication it is, under its delivery.
#[derive(Clone, Copy)]
struct Place<'a> {
    subscriber: &'a str,
    handler: Option<&'static str>,
    ordinal: u32,
}

impl BorrowedLink<'_> {
    fn stamp(&self, message: &mut Message) {
        stamp(message, &self.input.id, self.correlation, self.place);
        if self.forwards {
            forward(&self.input.headers, &mut message.headers);
        }
    }
}

fn stamp(message: &mut Message, input: &MessageId, correlation: Option<&Text>, place: Place<'_>) {
    if message.id.is_empty() {
        message.id = MessageId::derived_in(input, place.subscriber, place.handler, place.ordinal);
    }
    if message.causation_id.is_none() && !input.is_empty() {
        message.causation_id = Some(input.clone());
    }
    if message.correlation_id.is_none() {
        // The first message of a transaction correlates all that follow from it.
        message.correlation_id =
            correlation.cloned().or_else(|| (!input.is_empty()).then(|| Text::from(input.to_string())));
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("receiver", &self.receiver)
            .field("message", self.message())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
