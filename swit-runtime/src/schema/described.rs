//! From a handler's arguments to the schemas of what they are made up of.

use std::marker::PhantomData;

use super::{document::Document, kinds::Kind};
use crate::{
    event::{Described, Either, Event, EventDescriptor, Nothing, One, Upcast, short_type_name},
    extract::Payload,
};

/// A type that has a JSON Schema. For all that are `schemars::JsonSchema`.
#[cfg(feature = "schema")]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no JSON Schema, which `validate = schema` asks for",
    label = "not `schemars::JsonSchema`",
    note = "derive it: `#[derive(Serialize, Deserialize, JsonSchema, Event)]`",
    note = "it must be the `JsonSchema` of schemars 1, the version that swit is built with"
)]
pub trait HasSchema: schemars::JsonSchema {}

#[cfg(feature = "schema")]
#[diagnostic::do_not_recommend]
impl<T: schemars::JsonSchema> HasSchema for T {}

/// Without the feature `schema` every type has one: what is wrong is that the feature is missing.
#[cfg(not(feature = "schema"))]
pub trait HasSchema {}

#[cfg(not(feature = "schema"))]
impl<T> HasSchema for T {}

/// Schemas of the kinds of an event.
#[derive(Debug)]
pub struct OfEvent<E>(PhantomData<fn() -> E>);

/// The schema of a type that is read as JSON, whatever the message says.
#[derive(Debug)]
pub struct OfValue<T>(PhantomData<fn() -> T>);

/// No schema: the payload is not JSON.
#[derive(Debug)]
pub struct NoSchema;

/// Schemas in the making.
#[derive(Debug)]
pub struct Schemas {
    json_alone: bool,
    made: Result<Vec<Kind>, String>,
}

impl Schemas {
    pub(super) const fn new(json_alone: bool) -> Self {
        Self { json_alone, made: Ok(Vec::new()) }
    }

    pub(super) fn made(self) -> Result<Vec<Kind>, String> {
        self.made
    }

    fn add(&mut self, make: impl FnOnce(bool) -> Result<Kind, String>) {
        let json_alone = self.json_alone;
        if let Ok(kinds) = &mut self.made {
            match make(json_alone) {
                Ok(kind) => kinds.push(kind),
                Err(fault) => self.made = Err(fault),
            }
        }
    }
}

/// What schemas can be made for: that of a value, those of an event's kinds.
pub trait Describes {
    /// Makes them; with `json_alone` only JSON arrives.
    ///
    /// # Errors
    /// What is wrong with one.
    fn make(json_alone: bool) -> Result<Kind, String>;
}

impl Describes for NoSchema {
    fn make(_: bool) -> Result<Kind, String> {
        Ok(Kind::Unknown)
    }
}

impl<T: HasSchema> Describes for OfValue<T> {
    fn make(_: bool) -> Result<Kind, String> {
        Ok(Kind::Value(Document::of::<T>()?))
    }
}

impl<E: Described<Kinds: Describes>> Describes for OfEvent<E> {
    fn make(json_alone: bool) -> Result<Kind, String> {
        E::Kinds::make(json_alone)
    }
}

impl<E: Event + HasSchema> Describes for One<E> {
    fn make(json_alone: bool) -> Result<Kind, String> {
        event_kind::<E>(json_alone)
    }
}

impl<E: Event + HasSchema, P: Described<Kinds: Describes>> Describes for Upcast<E, P> {
    fn make(json_alone: bool) -> Result<Kind, String> {
        let current = event_kind::<E>(json_alone)?;
        let version = E::DESCRIPTORS.iter().map(|descriptor| descriptor.version).min().unwrap_or_default();
        Ok(Kind::Upcast { version, current: Box::new(current), older: Box::new(P::Kinds::make(json_alone)?) })
    }
}

impl<E: Described<Kinds: Describes>, Rest: Describes> Describes for Either<E, Rest> {
    fn make(json_alone: bool) -> Result<Kind, String> {
        let then = Box::new(E::Kinds::make(json_alone)?);
        Ok(Kind::Either { of: E::DESCRIPTORS, then, rest: Box::new(Rest::make(json_alone)?) })
    }
}

impl Describes for Nothing {
    fn make(_: bool) -> Result<Kind, String> {
        Ok(Kind::Unknown)
    }
}

fn event_kind<E: Event + HasSchema>(json_alone: bool) -> Result<Kind, String> {
    let Some(descriptor) = E::DESCRIPTORS.first() else { return Ok(Kind::Unknown) };
    if !json_alone && !EventDescriptor::are_json(E::DESCRIPTORS) {
        let name = short_type_name::<E>();
        return Err(format!(
            "`{name}` is read as something else than JSON, too, which no schema checks; write `codec = \"json\"` beside \
             `validate = schema`, or `codec = \"json\"` at the event"
        ));
    }
    Ok(Kind::Event { descriptor, document: Document::of::<E>()? })
}

/// An argument's type on its way to its schemas. Generated code imports [`IsDescribed`] and [`DescribesNothing`] and calls
/// `(&&Argument::<A>::TYPE).schemas(list)`: the first that applies wins.
#[derive(Debug)]
pub struct Argument<A>(PhantomData<fn() -> A>);

impl<A> Argument<A> {
    /// The type.
    pub const TYPE: Self = Self(PhantomData);
}

/// It is a payload.
pub trait IsDescribed<P: Payload> {
    /// Adds its schemas.
    fn schemas(&self, list: &mut Schemas)
    where
        P::Described: Describes;
}

impl<P: Payload> IsDescribed<P> for &Argument<P> {
    fn schemas(&self, list: &mut Schemas)
    where
        P::Described: Describes,
    {
        list.add(P::Described::make);
    }
}

/// It is none.
pub trait DescribesNothing {
    /// Nothing.
    fn schemas(&self, list: &mut Schemas) {
        let _ = list;
    }
}

impl<A> DescribesNothing for Argument<A> {}
