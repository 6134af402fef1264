//! The functions of a saga: what their arguments may be, and what a compensation can rely on.

use super::text::Message;

/// An argument of a step or a compensation is no delivery's.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn is_a_steps_argument(function: &str, type_name: &str, reads_payload: bool, settles: bool) {
    if reads_payload {
        let text = Message::new().tick(function).str(" is a function of a saga, but its argument ").tick(type_name);
        let text = text.str(" reads a message, and none is delivered to it; what a step needs is in `self` or in the");
        panic!("{}", text.str(" output of a step, and an event is taken by `#[start]` or, first, by `#[wait]`").get());
    }
    if settles {
        let text = Message::new().tick(function).str(" is a function of a saga, but its argument ").tick(type_name);
        panic!("{}", text.str(" settles a message, and none is delivered to it; remove the argument").get());
    }
}

/// There is one transaction: no argument takes it that another one before it has taken.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn takes_the_transaction_once(function: &str, type_name: &str, transacts: bool, transacts_before: bool) {
    if transacts && transacts_before {
        let text = Message::new().tick(function).str(" takes ").tick(type_name);
        panic!("{}", text.str(" twice, but has one transaction; take it once").get());
    }
}

/// A compensation can be called whenever its step may have been done: without `Tx` in the step's arguments that may be so
/// without anybody knowing, and without an output.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn compensates_in_doubt(
    compensation: &str,
    step: &str,
    type_name: &str,
    step_transacts: bool,
    takes_no_output: bool,
) {
    if !step_transacts && !takes_no_output {
        let text = Message::new().tick(compensation).str(" takes the output of ").tick(step).str(", but ").tick(step);
        let text = text.str(" may have been done without anybody knowing its output: it takes no `Tx`, and its");
        let text = text.str(" process may end, or its time be over, in the middle of it; take `Option<").str(type_name);
        let text = text
            .str(">`, which is `None` then, and find out what was done by the `key` of `Undoing`; or take `Tx` in ");
        panic!("{}", text.tick(step).get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agrees_passes() {
        is_a_steps_argument("f", "State<u8>", false, false);
        takes_the_transaction_once("f", "State<u8>", false, true);
        takes_the_transaction_once("f", "Tx", true, false);
        compensates_in_doubt("undo", "f", "u8", true, false);
        compensates_in_doubt("undo", "f", "u8", false, true);
    }

    #[test]
    #[should_panic(expected = "`f` is a function of a saga, but its argument `Json<u8>` reads a message")]
    fn a_payload() {
        is_a_steps_argument("f", "Json<u8>", true, false);
    }

    #[test]
    #[should_panic(expected = "its argument `Ack` settles a message")]
    fn an_ack() {
        is_a_steps_argument("f", "Ack", false, true);
    }

    #[test]
    #[should_panic(expected = "`f` takes `Tx` twice")]
    fn two_transactions() {
        takes_the_transaction_once("f", "Tx", true, true);
    }

    #[test]
    #[should_panic(expected = "take `Option<u8>`, which is `None` then")]
    fn an_output_that_nobody_may_know() {
        compensates_in_doubt("undo", "f", "u8", false, false);
    }
}
