//! Composites and their event handlers, as they were written.

use std::sync::OnceLock;

use super::{Handler, Location, SubscriberRegistration};
use crate::{
    context::Context, event::EventDescriptor, extract::Requirements, outcome::Outcome, schema::Schema,
    transport::BoxFuture,
};

/// How the event handlers of a composite run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// One after the other, in their order; one that fails does not stop those behind it.
    Sequential,
    /// All at once; all are waited for.
    Parallel,
    /// All at once; the first that fails cancels the others.
    FailFast,
    /// All at once; those that fail are logged and counted, and the delivery succeeds.
    BestEffort,
}

impl Strategy {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Parallel => "parallel",
            Self::FailFast => "fail_fast",
            Self::BestEffort => "best_effort",
        }
    }
}

/// What `composite!` says beside its subscriber.
#[derive(Debug)]
pub struct CompositeRegistration {
    /// How its handlers run.
    pub strategy: Strategy,
    /// Its subscriber, which has its name.
    pub subscriber: &'static SubscriberRegistration,
    /// Its handlers, found once.
    pub members: fn() -> &'static Members,
}

/// The type twin of a composite: what `#[event_handler(composite = …)]` names.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a composite",
    label = "not a composite",
    note = "name one that `swit::composite!(orders_created, strategy = sequential, …);` declares"
)]
pub trait Composite: Handler {
    /// What was registered.
    const COMPOSITE: &'static CompositeRegistration;
}

/// The type twin of a function with `#[event_handler]`.
pub trait EventHandler: Send + Sync + 'static {
    /// What was registered.
    const REGISTRATION: &'static EventHandlerRegistration;

    /// Takes the arguments out of the delivery, calls the function, makes an outcome of what it returned.
    fn call(cx: &mut Context) -> impl Future<Output = Outcome> + Send;
}

/// An event handler's function, as the registry holds it.
pub fn call_event_handler<H: EventHandler>(cx: &mut Context) -> BoxFuture<'_, Outcome> {
    Box::pin(H::call(cx))
}

/// An event handler, as its attribute and its function's signature say.
#[derive(Debug)]
pub struct EventHandlerRegistration {
    /// Its name: what is remembered of it once it succeeded.
    pub name: &'static str,
    /// Its function's name.
    pub function: &'static str,
    /// Where it stands.
    pub location: Location,
    /// Whose it is.
    pub owner: Owner,
    /// Its place among the others.
    pub order: i32,
    /// The event types that its arguments read.
    pub events: fn(&mut Vec<EventDescriptor>),
    /// The event types that it may return.
    pub emits: fn(&mut Vec<EventDescriptor>),
    /// What its arguments require.
    pub requires: fn(&mut Requirements),
    /// `validate = schema`.
    pub schema: Option<&'static Schema>,
    /// `inbox`.
    pub inbox: bool,
    /// Its function.
    pub call: for<'a> fn(&'a mut Context) -> BoxFuture<'a, Outcome>,
}

/// The composite that an event handler names.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    /// By its path: there is one, or it does not compile.
    Path(&'static CompositeRegistration),
    /// By its name: it may stand in a crate that this one does not know.
    Name(&'static str),
}

impl Owner {
    /// Whether it is this one.
    pub fn is(&self, composite: &CompositeRegistration) -> bool {
        match self {
            Self::Path(owner) => std::ptr::eq(*owner, composite),
            Self::Name(name) => *name == composite.subscriber.name,
        }
    }
}

/// What inventory collects.
#[derive(Debug)]
pub struct EventHandlerRef(pub &'static EventHandlerRegistration);

inventory::collect!(EventHandlerRef);

/// The event handlers of one composite, in their order.
#[derive(Debug, Default)]
pub struct Members {
    found: OnceLock<Vec<Member>>,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) handler: &'static EventHandlerRegistration,
    /// The event types that it reads; none: it takes whatever comes.
    pub(crate) events: Vec<EventDescriptor>,
}

impl Members {
    /// Nobody looked yet.
    pub const fn new() -> Self {
        Self { found: OnceLock::new() }
    }
}

impl CompositeRegistration {
    /// Its handlers, by order, then module and name: link order is undefined.
    pub(crate) fn handlers(&'static self) -> &'static [Member] {
        (self.members)().found.get_or_init(|| {
            let linked = inventory::iter::<EventHandlerRef>().map(|found| found.0);
            let mut found: Vec<_> = linked.filter(|handler| handler.owner.is(self)).collect();
            found.sort_by_key(|handler| (handler.order, handler.location.module, handler.name));
            found.into_iter().map(Member::of).collect()
        })
    }

    /// The event types that its handlers read.
    pub fn events(&'static self, out: &mut Vec<EventDescriptor>) {
        for member in self.handlers() {
            (member.handler.events)(out);
        }
    }

    /// The event types that its handlers may return.
    pub fn emits(&'static self, out: &mut Vec<EventDescriptor>) {
        for member in self.handlers() {
            (member.handler.emits)(out);
        }
    }

    /// What its handlers require.
    pub fn requires(&'static self, out: &mut Requirements) {
        for member in self.handlers() {
            (member.handler.requires)(out);
        }
    }
}

impl Member {
    fn of(handler: &'static EventHandlerRegistration) -> Self {
        let mut events = Vec::new();
        (handler.events)(&mut events);
        Self { handler, events }
    }
}
