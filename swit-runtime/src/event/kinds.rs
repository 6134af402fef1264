//! The types that a message of an event may have to be, as a type: what a schema is made for.
//!
//! The derive cannot ask whether a type has a schema, since it sees no types, and must not require one. It says of what
//! an event is made up, in these types; who wants a schema of each asks them.

use std::marker::PhantomData;

use super::Event;

/// An event whose make-up is known. Derived with [`Event`].
#[diagnostic::on_unimplemented(
    message = "it is not known what `{Self}` is made up of: its `Event` is not derived",
    note = "derive it: `#[derive(Serialize, Deserialize, Event)]`"
)]
pub trait Described: Event {
    /// [`One`], [`Upcast`], or [`Either`] for each variant of an enum of events.
    type Kinds;
}

/// The type itself.
#[derive(Debug)]
pub struct One<E>(PhantomData<fn() -> E>);

/// The type itself; older versions as the event type `P`, which may have older ones in turn.
#[derive(Debug)]
pub struct Upcast<E, P>(PhantomData<fn() -> (E, P)>);

/// The event type of a variant; else the rest.
#[derive(Debug)]
pub struct Either<E, Rest>(PhantomData<fn() -> (E, Rest)>);

/// No variant is left.
#[derive(Debug)]
pub struct Nothing;
