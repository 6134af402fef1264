//! The simulated partners: inventory, payment and carriers. What they answer depends on the question alone, so that a
//! run can be checked.

use swit::Classify;

use super::order::{CustomerId, Item, Region, Sku};

/// What the message of a simulated crash starts with; the panic hook of the binary keeps quiet about it.
pub const CRASH: &str = "the payment partner's client crashed";

/// The first article that is out of stock: those whose number starts with `OOS-` always are.
pub fn out_of_stock(items: &[Item]) -> Option<&Sku> {
    items.iter().map(|item| &item.sku).find(|sku| sku.as_str().starts_with("OOS-"))
}

/// The first article that runs out: those whose number starts with `LOW-` always do.
pub fn runs_out(items: &[Item]) -> Option<&Sku> {
    items.iter().map(|item| &item.sku).find(|sku| sku.as_str().starts_with("LOW-"))
}

/// A customer could not be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Classify)]
#[error("the customer has no letter box")]
#[class(permanent)]
pub struct NoLetterBox;

/// Tells a customer that the order came in.
///
/// # Errors
/// For customers whose id starts with `unreachable`.
pub fn notify(customer: &CustomerId) -> Result<(), NoLetterBox> {
    if customer.as_str().starts_with("unreachable") { Err(NoLetterBox) } else { Ok(()) }
}

/// The payment partner's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Paid.
    Paid,
    /// No: a decision, not a failure.
    Declined,
}

/// The payment partner did not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Classify)]
#[non_exhaustive]
pub enum PaymentError {
    /// Not for now.
    #[error("the payment partner did not answer in time")]
    #[class(transient)]
    NoAnswer,
    /// Not for longer.
    #[error("the payment partner can't be reached")]
    #[class(transient)]
    Unreachable,
}

/// Whether the client of the payment partner crashes over this token.
pub fn crashes(token: &str) -> bool {
    is(token, "panic")
}

fn is(token: &str, kind: &str) -> bool {
    token.strip_prefix("tok_").is_some_and(|rest| rest.starts_with(kind))
}

/// Asks the payment partner; `attempt` counts from 1.
///
/// - `tok_declined…` is declined
/// - `tok_flaky…` fails twice, then is paid
/// - `tok_down…` fails always
/// - `tok_panic…` panics
/// - anything else is paid
///
/// # Errors
/// The partner did not answer.
///
/// # Panics
/// For `tok_panic…`, as a client with a bug would.
pub fn charge(token: &str, attempt: u32) -> Result<Charge, PaymentError> {
    if is(token, "declined") {
        Ok(Charge::Declined)
    } else if is(token, "flaky") && attempt <= 2 {
        Err(PaymentError::NoAnswer)
    } else if is(token, "down") {
        Err(PaymentError::Unreachable)
    } else if crashes(token) {
        panic!("{CRASH}")
    } else {
        Ok(Charge::Paid)
    }
}

/// Who carries parcels to a region.
pub fn carrier(region: Region) -> &'static str {
    match region {
        Region::Africa => "sahel-post",
        Region::Americas => "condor",
        Region::Asia => "silk-road",
        Region::Europe => "postillon",
        Region::Oceania => "southern-cross",
        Region::Other => "world-mail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_depend_on_the_token_and_the_attempt() {
        assert_eq!(charge("tok_1", 1), Ok(Charge::Paid));
        assert_eq!(charge("tok_declined_9", 1), Ok(Charge::Declined));
        assert_eq!([1, 2, 3].map(|attempt| charge("tok_flaky", attempt).is_ok()), [false, false, true]);
        assert_eq!(charge("tok_downstairs", 9), Err(PaymentError::Unreachable));
        assert_eq!(charge("declined", 1), Ok(Charge::Paid));
        assert!(std::panic::catch_unwind(|| charge("tok_panic", 1)).is_err());
    }
}
