//! Publishers as they were written.

use std::{any::TypeId, time::Duration};

pub use swit_grammar::publisher::Batching;

use super::Location;
use crate::{
    compression::Compression,
    event::{Event, EventDescriptor, Unrouted},
    publisher::Outlet,
    scope::Shared,
    text::Text,
};

/// A unit struct with `#[publisher]`.
pub struct PublisherRegistration {
    /// Its name.
    pub name: &'static str,
    /// Its struct's name.
    pub type_name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// The keys of its attribute.
    pub spec: PublisherSpec,
    /// The event types that it publishes.
    pub events: &'static [EventDescriptor],
    /// Its struct.
    pub id: fn() -> TypeId,
    /// Makes the state by which `Publisher<…>` of its struct finds its outlet.
    pub bind: fn(Outlet) -> (TypeId, Shared),
}

impl std::fmt::Debug for PublisherRegistration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublisherRegistration")
            .field("name", &self.name)
            .field("location", &self.location)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}

/// The keys of `#[publisher]`, checked by the macro. `None` is «not written».
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublisherSpec {
    /// `confirm`.
    pub confirm: Option<Duration>,
    /// `batch`.
    pub batch: Option<Batching>,
    /// `compression`.
    pub compression: Compression,
    /// `async`: how many publications it may hold.
    pub capacity: Option<u32>,
    /// `unrouted`; else the event's own.
    pub unrouted: Option<Unrouted>,
    /// `transport`.
    pub transport: &'static str,
}

impl PublisherSpec {
    /// What `#[publisher]` without options says. Generated code updates this with what was written.
    pub const DEFAULT: Self = Self {
        confirm: None,
        batch: None,
        compression: Compression::None,
        capacity: None,
        unrouted: None,
        transport: "default",
    };
}

/// A type that a [`Publisher`](crate::publisher::Publisher) is named by: a unit struct with `#[publisher]`; `()` for
/// the one without a name.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a publisher",
    label = "does not carry `#[publisher]`",
    note = "write `#[publisher(event = …)]` on a unit struct and name that, or take `Publisher` alone, which publishes any event"
)]
pub trait PublisherItem: Send + Sync + 'static {
    /// What was registered; `None` for the publisher without a name.
    const REGISTRATION: Option<&'static PublisherRegistration>;
}

impl PublisherItem for () {
    const REGISTRATION: Option<&'static PublisherRegistration> = None;
}

/// What a publisher publishes: any event without a name, its own event with one.
#[diagnostic::on_unimplemented(
    message = "the publisher `{Self}` does not publish `{E}`",
    label = "not the event of this publisher",
    note = "it publishes the type that its `#[publisher(event = …)]` names",
    note = "one that is `transactional` publishes in transactions alone: `publisher.publish_in(&mut tx, &event).await?`"
)]
pub trait Publishes<E: Event>: PublisherItem {
    /// The message key that it gives an event; `None`: the event's own.
    fn key(event: &E) -> Option<Text> {
        let _ = event;
        None
    }
}

impl<E: Event> Publishes<E> for () {}

/// What a publisher publishes in a transaction: what it publishes at all, and what one that is `transactional` does.
#[diagnostic::on_unimplemented(
    message = "the publisher `{Self}` does not publish `{E}`",
    label = "not the event of this publisher",
    note = "it publishes the type that its `#[publisher(event = …)]` names"
)]
pub trait PublishesIn<E: Event>: PublisherItem {
    /// The message key that it gives an event; `None`: the event's own.
    fn key_in(event: &E) -> Option<Text> {
        let _ = event;
        None
    }
}

impl<E: Event, P: Publishes<E>> PublishesIn<E> for P {
    fn key_in(event: &E) -> Option<Text> {
        P::key(event)
    }
}

/// What inventory collects.
#[derive(Debug)]
pub struct PublisherRef(pub &'static PublisherRegistration);

inventory::collect!(PublisherRef);
