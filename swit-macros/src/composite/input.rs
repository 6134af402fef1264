//! What stands in `composite!(…)`: a name as an item has one, then keys.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Ident, Token, Visibility,
    parse::{ParseStream, Parser},
};

use crate::{
    parsing::{Elsewhere, Keys, Vocabulary},
    report::Errors,
};

const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "composite!",
    known: &[
        "strategy",
        "name",
        "topic",
        "topics",
        "event",
        "queue",
        "group",
        "concurrency",
        "prefetch",
        "ordered",
        "order_by",
        "ack",
        "timeout",
        "retries",
        "backoff",
        "dead_letter",
        "middleware",
        "enabled",
        "codec",
        "transport",
        "classifier",
        "circuit_breaker",
        "rate_limit",
        "crate",
    ],
    later: &[],
};

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        keys: &["on_error", "blocking", "order", "validate"],
        whose: "each event handler's own",
        help: "write it there: `#[event_handler(composite = NAME, order = 10, …)]`",
    },
    Elsewhere {
        keys: &["inbox"],
        whose: "each event handler's own: what one of them did stays done when another fails",
        help: "write it there: `#[event_handler(composite = NAME, order = 10, inbox)]`",
    },
    Elsewhere {
        keys: &["batch"],
        whose: "a `#[subscriber]`'s, which takes its messages together; event handlers take them one by one",
        help: "remove `batch`",
    },
];

/// The item that a composite is.
pub(super) struct Item {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) ident: Ident,
}

/// Reads the item; what comes behind it are the keys.
pub(super) fn read(input: TokenStream, errors: &Errors) -> Option<(Item, TokenStream)> {
    const EXAMPLE: &str =
        "write `swit::composite!(pub orders_created, strategy = sequential, topic = \"order.created\");`";
    if input.is_empty() {
        errors.at(input, "`composite!` has no name", EXAMPLE);
        return None;
    }
    let parse = |input: ParseStream<'_>| {
        let attributes = Attribute::parse_outer(input)?;
        let visibility = input.parse()?;
        let nameless = input.peek2(Token![=]) || !input.peek(syn::Ident);
        if nameless {
            return Err(input.error(format!("`composite!` begins with a name\nhelp: {EXAMPLE}")));
        }
        let ident: Ident = input.parse()?;
        if !input.is_empty() && !input.peek(Token![,]) {
            let text = format!("expected a comma after `{ident}`\nhelp: {EXAMPLE}");
            return Err(input.error(text));
        }
        input.parse::<Option<Token![,]>>()?;
        Ok((Item { attributes, visibility, ident }, input.parse()?))
    };
    errors.keep(parse.parse2(input))
}

/// The keys behind the name.
pub(super) fn keys(tokens: TokenStream, errors: &Errors) -> Keys<'_> {
    Keys::read_beside(tokens, &VOCABULARY, ELSEWHERE, errors)
}
