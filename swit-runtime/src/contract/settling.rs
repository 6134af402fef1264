//! Who settles: swit, or an argument of the handler.

use super::{
    argument::{Argument, all_extract},
    text::Message,
};

/// `ack = "manual"` has an argument that settles.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn somebody_settles(function: &str, arguments: &[Argument]) {
    if settler(arguments).is_none() && all_extract(arguments) {
        let text = Message::new().tick(function).str(" settles by hand (`ack = \"manual\"`), but takes no `Ack`; ");
        panic!("{}", text.str("add an argument `ack: Ack`, or remove `ack = \"manual\"`").get());
    }
}

/// Without `ack = "manual"` no argument settles.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn nobody_settles(function: &str, arguments: &[Argument]) {
    if let Some(argument) = settler(arguments) {
        let text = Message::new().tick(function).str(" takes `").str(argument.type_name);
        panic!(
            "{}",
            text.str("`, but does not settle by hand; write `ack = \"manual\"`, or remove the argument").get()
        );
    }
}

/// With `ack = "manual"` the handler returns nothing to publish.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn returns_no_events(function: &str, returns: &str, publishes: bool) {
    if publishes {
        let text =
            Message::new().tick(function).str(" settles by hand (`ack = \"manual\"`), but returns ").tick(returns);
        let text = text.str(": what it returns would be published after it has acknowledged, and lost if that fails; ");
        panic!("{}", text.str("publish with a `Publisher` argument, and settle after that").get());
    }
}

pub(super) const fn settler(arguments: &[Argument]) -> Option<Argument> {
    let mut a = 0;
    while a < arguments.len() {
        if arguments[a].settles {
            return Some(arguments[a]);
        }
        a += 1;
    }
    None
}
