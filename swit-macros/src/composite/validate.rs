//! What the keys of a composite must be, beside what a subscriber's must.

use proc_macro2::{TokenStream, TokenTree};
use swit_grammar::{nearest::nearest, subscriber::AckMode};
use syn::ext::IdentExt as _;

use super::input::Item;
use crate::{
    parsing::{Entry, Form, Keys, mentions},
    report::Errors,
    subscriber::{
        attribute::Raw,
        validate::{agree, default_name},
    },
};

/// As they are written.
const STRATEGIES: [&str; 4] = ["sequential", "parallel", "fail_fast", "best_effort"];
const HELP: &str = "write `strategy = sequential`, `parallel`, `fail_fast` or `best_effort`";

/// How the handlers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strategy {
    Sequential,
    Parallel,
    FailFast,
    BestEffort,
}

/// A composite that is right as far as it can be told without its handlers.
pub(super) struct Composite {
    pub(super) item: Item,
    pub(super) name: String,
    pub(super) strategy: Strategy,
    pub(super) keys: Raw,
}

/// Reads the keys and checks them together. What is wrong is reported at its key.
pub(super) fn validate(item: Item, mut keys: Keys<'_>, written: &TokenStream, errors: &Errors) -> Option<Composite> {
    let strategy = match keys.take("strategy") {
        Some(entry) => strategy(&entry, errors),
        None if mentions(written, "strategy", errors) => None,
        None => {
            errors.at(&item.ident, format_args!("`{}` has no strategy", item.ident), HELP);
            None
        }
    };
    let keys = Raw::read(&mut keys, errors);
    let name = keys.name.as_ref().map_or_else(
        || default_name(&item.ident, &format!("swit::composite!({}, name = \"…\", …)", item.ident), errors),
        syn::LitStr::value,
    );
    agree(&name, &keys, &item.ident, errors);
    if let Some(ack) = keys.ack.as_ref().filter(|ack| ack.value == AckMode::Manual) {
        let message = "a composite can't settle by hand: it settles once all of its handlers are through";
        errors.at(&ack.tokens, message, "remove `ack = \"manual\"`; a handler says what it wants with its `Outcome`");
    }
    Some(Composite { item, name, strategy: strategy?, keys })
}

fn strategy(entry: &Entry, errors: &Errors) -> Option<Strategy> {
    let word = match &entry.form {
        Form::Value(tokens) => match tokens.clone().into_iter().collect::<Vec<_>>().as_slice() {
            [TokenTree::Ident(word)] => Some(word.clone()),
            _ => None,
        },
        Form::Flag | Form::List(_) => None,
    };
    let Some(word) = word else {
        errors.at(entry.value_tokens(), "`strategy` takes a word without quotation marks", HELP);
        return None;
    };
    let text = word.unraw().to_string();
    match text.as_str() {
        "sequential" => Some(Strategy::Sequential),
        "parallel" => Some(Strategy::Parallel),
        "fail_fast" => Some(Strategy::FailFast),
        "best_effort" => Some(Strategy::BestEffort),
        _ => {
            let near = nearest(&text, STRATEGIES).map(|near| format!("did you mean `{near}`?"));
            let help = near.unwrap_or_else(|| HELP.to_owned());
            errors.at(&word, format_args!("there is no strategy `{text}`"), help);
            None
        }
    }
}
