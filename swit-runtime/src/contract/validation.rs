//! `validate`: there is something to validate, and a schema is of JSON.

use super::{
    argument::{Argument, all_extract},
    text::Message,
};

/// Some argument is a payload; each is told by whether it is one, and whether it is JSON.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn something_is_validated(function: &str, arguments: &[Argument], payloads: &[(bool, bool)]) {
    let mut i = 0;
    while i < payloads.len() {
        if payloads[i].0 {
            return;
        }
        i += 1;
    }
    if all_extract(arguments) {
        let text = Message::new().tick(function).str(" validates (`validate`), but takes no payload; ");
        panic!("{}", text.str("take an event type, or `Json` of another type, or remove `validate`").get());
    }
}

/// Schemas are compiled in, and every payload is JSON: by its type, or since the subscriber takes JSON alone.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn schema_is_of_json(function: &str, json_alone: bool, arguments: &[Argument], payloads: &[(bool, bool)]) {
    if !cfg!(feature = "schema") {
        let text = Message::new().tick(function).str(" validates by a JSON Schema, which is not compiled in; ");
        panic!("{}", text.str("enable the feature `schema` of `swit`").get());
    }
    something_is_validated(function, arguments, payloads);
    let mut i = 0;
    while i < payloads.len() && i < arguments.len() {
        let (is_payload, is_json) = payloads[i];
        let is_event = !arguments[i].events.is_empty();
        if is_payload && !is_json && !(json_alone && is_event) {
            let text = Message::new().tick(function).str(" validates by a JSON Schema, but its argument ");
            let text = text.tick(arguments[i].type_name);
            let text = if is_event {
                text.str(" is not read as JSON alone; write `codec = \"json\"` here or at its `#[event]`, or ")
            } else {
                text.str(" is not read as JSON; ")
            };
            panic!("{}", text.str("validate it by a function: `validate = check`").get());
        }
        i += 1;
    }
}
