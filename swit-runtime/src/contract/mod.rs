//! What a subscriber's attribute and its signature must be to each other, checked while the user's crate compiles.
//!
//! Macros see tokens, not types: whether an argument is an event, and of which topic, only the compiler knows. Generated
//! code therefore calls these `const fn`s in `const _: () = …;` at the span of the key that they are about. They are
//! `#[track_caller]`, so that the error stands there and not here.

mod argument;
mod composite;
mod events;
mod middleware;
pub mod probe;
mod publisher;
mod saga;
mod settling;
mod text;
mod topics;
mod transacting;
mod validation;

pub use argument::{Argument, codec_is_accepted, codec_is_compiled_in, compression_is_compiled_in};
pub use composite::{fits_the_composite, leaves_settling};
pub use events::{are_distinct, single, upcasts};
pub use middleware::{is_payload_agnostic, middleware_is_listed, publishes_nothing};
pub use publisher::{event_has_key, partition_is_the_key, topic_is_the_events};
pub use saga::{compensates_in_doubt, is_a_steps_argument, takes_the_transaction_once};
pub use settling::{nobody_settles, returns_no_events, somebody_settles};
pub use topics::{filter_is_an_events, has_topic, topic_is_an_events, topics_cover_events};
pub use transacting::{transacts_nowhere, transacts_once};
pub use validation::{schema_is_of_json, something_is_validated};
