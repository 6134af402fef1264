//! What an event handler and its composite must be to each other. A composite that is named by its text is held to the same
//! when the service starts.

use super::{
    argument::{Argument, accepts, has_events, same},
    settling::settler,
    text::Message,
    topics::covered,
};
use crate::registry::CompositeRegistration;

/// The composite's topics take every event of the arguments, and its event type and codec are theirs. Holds where no argument
/// is an event.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn fits_the_composite(function: &str, path: &str, composite: &CompositeRegistration, arguments: &[Argument]) {
    let spec = &composite.subscriber.spec;
    let mut a = 0;
    let mut is_filtered = spec.event.is_some() && has_events(arguments);
    while a < arguments.len() {
        let mut e = 0;
        while e < arguments[a].events.len() {
            let event = &arguments[a].events[e];
            if !spec.topics.is_empty() && !covered(spec.topics, event.topic) {
                let text = Message::new().tick(function).str(" takes ").tick(arguments[a].type_name);
                let text = text.str(" of topic ").quote(event.topic).str(", but its composite ").tick(path);
                panic!("{}", text.str(" subscribes to ").list(spec.topics).get());
            }
            if let Some(codec) = spec.codec
                && !accepts(event, codec)
            {
                let text = Message::new().str("the composite ").tick(path).str(" reads ").quote(codec.name());
                let text = text.str(", but the argument ").tick(arguments[a].type_name).str(" of ").tick(function);
                panic!("{}", text.str(" does not accept it; add it to `#[event(codecs = …)]`").get());
            }
            if let Some(filter) = spec.event
                && same(event.event_type, filter)
            {
                is_filtered = false;
            }
            e += 1;
        }
        a += 1;
    }
    if let Some(filter) = spec.event
        && is_filtered
    {
        let text = Message::new().tick(function).str(" never runs: its composite ").tick(path);
        let text = text.str(" takes only messages of the event type ").quote(filter);
        panic!("{}", text.str(", which none of its arguments is").get());
    }
}

/// No argument settles: the composite does, once all of its handlers are through.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn leaves_settling(function: &str, arguments: &[Argument]) {
    if let Some(argument) = settler(arguments) {
        let text = Message::new().tick(function).str(" is an event handler, but takes ").tick(argument.type_name);
        let text = text.str("; its composite settles, once all of its handlers are through; ");
        panic!("{}", text.str("remove the argument, and return an `Outcome` to say what is to happen").get());
    }
}
