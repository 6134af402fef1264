//! Who writes in the transaction of the inbox.

use super::{argument::Argument, text::Message};

/// Without `inbox` no argument is a transaction: there is none.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn transacts_nowhere(function: &str, arguments: &[Argument]) {
    if let (Some(argument), _) = transactions(arguments) {
        let text = Message::new().tick(function).str(" takes `").str(argument.type_name);
        let text = text.str("`, but has no `inbox`, whose transaction it would be; ");
        panic!("{}", text.str("write `inbox` into its attribute, or take `Database` and begin one of your own").get());
    }
}

/// With `inbox` at most one argument is the transaction: it can't be lent twice.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn transacts_once(function: &str, arguments: &[Argument]) {
    if let (Some(argument), true) = transactions(arguments) {
        let text = Message::new().tick(function).str(" takes `").str(argument.type_name);
        panic!("{}", text.str("` twice, but has one transaction; take it once").get());
    }
}

/// The first argument that is one, and whether there is another.
const fn transactions(arguments: &[Argument]) -> (Option<Argument>, bool) {
    let (mut first, mut more, mut a) = (None, false, 0);
    while a < arguments.len() {
        if arguments[a].transacts {
            more = first.is_some();
            if first.is_none() {
                first = Some(arguments[a]);
            }
        }
        a += 1;
    }
    (first, more)
}
