//! JSON Schemas (draft 2020-12) of payloads, `validate = schema`: made from the type, checked before it is decoded.
//!
//! ```ignore
//! #[derive(Serialize, Deserialize, JsonSchema, Event)]
//! #[event(topic = "order.created")]
//! struct OrderCreated { #[schemars(range(min = 1))] quantity: u32 }
//!
//! #[subscriber(validate = schema)]
//! async fn reserve(order: OrderCreated) {}
//! ```
//!
//! Guarantee: what the schema refuses is `invalid_input`, and its error names the place in the payload. What can't be decoded
//! at all (no JSON, another content type, a newer version) is left to the decoder, whose error says more; what could be
//! decoded by another codec than JSON is refused.

mod described;
#[cfg_attr(not(feature = "schema"), path = "document_absent.rs")]
mod document;
mod kinds;

use std::{fmt, sync::OnceLock};

pub use described::{
    Argument, Describes, DescribesNothing, HasSchema, IsDescribed, NoSchema, OfEvent, OfValue, Schemas,
};
pub use document::Violations;
pub use kinds::Kind;

use crate::{context::Context, message::Message, outcome::Failure};

/// The schemas of one subscriber's payloads. A static of generated code: they are made once, when the service starts.
pub struct Schema {
    /// Whether the subscriber takes JSON alone, whatever its event types accept.
    json_alone: bool,
    list: fn(&mut Schemas),
    made: OnceLock<Result<Vec<Kind>, String>>,
}

impl Schema {
    /// Those that `list` adds.
    pub const fn new(json_alone: bool, list: fn(&mut Schemas)) -> Self {
        Self { json_alone, list, made: OnceLock::new() }
    }

    /// Makes them, if they are not made yet.
    ///
    /// # Errors
    /// What is wrong with a type's schema.
    pub fn make(&self) -> Result<(), &str> {
        self.made().map(|_| ())
    }

    fn made(&self) -> Result<&[Kind], &str> {
        let made = self.made.get_or_init(|| {
            let mut schemas = Schemas::new(self.json_alone);
            (self.list)(&mut schemas);
            schemas.made()
        });
        made.as_ref().map(Vec::as_slice).map_err(String::as_str)
    }

    /// Checks the payload of a message.
    ///
    /// # Errors
    /// What it violates, as `invalid_input`.
    pub fn check(&self, message: &Message, cx: &Context) -> Result<(), Failure> {
        let refuse =
            |reason| Err(Failure::invalid_input(Violated { subscriber: cx.receiver().subscriber.clone(), reason }));
        match self.made() {
            Ok(kinds) => match kinds.iter().try_for_each(|kind| kind.check(message)) {
                Ok(()) => Ok(()),
                Err(violations) => refuse(violations),
            },
            // Not reached: a service whose schemas can't be made does not start.
            Err(fault) => refuse(Violations::of(fault)),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("made", &self.made.get().is_some()).finish_non_exhaustive()
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

/// A payload that is not as the schema of its type says.
#[derive(Debug, thiserror::Error)]
#[error("`{subscriber}` refused the payload as invalid: {reason}")]
pub struct Violated {
    /// The subscriber.
    pub subscriber: crate::text::Text,
    /// What is wrong, and where.
    pub reason: Violations,
}
