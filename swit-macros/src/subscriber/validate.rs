//! What the keys of one attribute must be to each other and to the signature.

use swit_grammar::{
    limits::DEFAULT_TIMEOUT,
    name::{check_name, dashed},
    subscriber::{AckMode, Keys, Order},
};
use syn::{Ident, Path, Type};

use super::{
    attribute::{DeadLetter, OrderBy, Raw, Sharing},
    batch::{Together, together},
    signature::Handler,
};
use crate::report::Errors;

/// A subscriber that is right as far as one attribute and one signature can tell.
pub(super) struct Subscriber {
    pub(super) name: String,
    pub(super) keys: Raw,
    /// Whose arguments hold what a batch is of in the place of the batch.
    pub(super) handler: Handler,
    pub(super) together: Option<Together>,
}

/// Checks the keys together. What is wrong is reported at its key.
pub(super) fn validate(keys: Raw, mut handler: Handler, errors: &Errors) -> Subscriber {
    let function = handler.function.name();
    let name = keys
        .name
        .as_ref()
        .map_or_else(|| default_name(handler.ident(), "#[subscriber(name = \"…\")]", errors), syn::LitStr::value);
    agree(&name, &keys, handler.ident(), errors);
    if handler.arguments.is_empty() && keys.topics.is_none() && keys.queue.is_none() && !errors.any() {
        let help = "take an event type, or write `topic = \"…\"` or `queue = \"…\"`";
        errors.at(handler.ident(), format_args!("`{function}` has no topic: it takes no event"), help);
    }
    let together = together(&keys, &mut handler, errors);
    if keys.says_batch.is_none() {
        asked(keys.on_error.as_ref(), &handler, errors);
    }
    Subscriber { name, keys, handler, together }
}

/// There is an error for `on_error` to be asked about.
pub(crate) fn asked(on_error: Option<&Path>, handler: &Handler, errors: &Errors) {
    let (Some(path), false) = (on_error, handler.says_return && may_fail(&handler.returns)) else { return };
    let message = format_args!("`on_error` is never asked: `{}` returns no error", handler.function.name());
    errors.at(path, message, "return a `Result`, or remove `on_error`");
}

/// Whether a type may be a `Result`, by whatever name. An `Outcome` that failed has decided what becomes of the message.
fn may_fail(returns: &Type) -> bool {
    match returns {
        Type::Tuple(_) => false,
        Type::Path(path) => {
            let last = path.path.segments.last().map(|last| last.ident.to_string());
            !last.is_some_and(|last| ["Outcome", "Publish", "Vec", "Option"].contains(&&*last))
        }
        Type::Group(group) => may_fail(&group.elem),
        Type::Paren(inside) => may_fail(&inside.elem),
        _ => true,
    }
}

/// The name of what gives itself none. `example` is how it is given one.
pub(crate) fn default_name(ident: &Ident, example: &str, errors: &Errors) -> String {
    let text = ident.to_string();
    let name = dashed(text.strip_prefix("r#").unwrap_or(&text));
    if let Err(fault) = check_name(&name) {
        errors.at(ident, &fault.message, format_args!("give it a name: `{example}`"));
    }
    name
}

/// The grammar's own check, the same that start-up makes. What is about no key is reported at `ident`.
pub(crate) fn agree(name: &str, keys: &Raw, ident: &Ident, errors: &Errors) {
    let dead_letter = keys.dead_letter.as_ref().and_then(|at| match &at.value {
        DeadLetter::Queue(queue) => Some(queue.value()),
        DeadLetter::Discard => None,
    });
    let queue = match (&keys.queue, &keys.group) {
        (Some(queue), _) => Some(queue.value()),
        (None, Some(Sharing::Named(group))) => Some(format!("{}.{name}", group.value())),
        _ => None,
    };
    let faults = Keys {
        concurrency: keys.concurrency.as_ref().map_or(1, |at| at.value),
        prefetch: keys.prefetch.as_ref().map(|at| at.value),
        order: match &keys.order {
            None => Order::Unordered,
            Some(OrderBy::Subscription) => Order::Subscription,
            // The grammar asks only what kind of order it is.
            Some(OrderBy::Key | OrderBy::Header(_)) => Order::Key,
        },
        ack: keys.ack.as_ref().map_or(AckMode::Auto, |at| at.value),
        timeout: keys.timeout.as_ref().map_or(DEFAULT_TIMEOUT, |at| at.value),
        retries: keys.retries.as_ref().map(|at| at.value),
        backoff: keys.backoff.as_ref().map(|at| at.value),
        dead_letter: dead_letter.as_deref(),
        queue: queue.as_deref(),
        circuit_breaker: None,
        rate_limit: None,
        batch: keys.batch.as_ref().map(|at| at.value),
        inbox: keys.inbox.is_some(),
    }
    .faults();
    for fault in faults {
        let tokens = match fault.key {
            "concurrency" => keys.concurrency.as_ref().map(|at| at.tokens.clone()),
            "prefetch" => keys.prefetch.as_ref().map(|at| at.tokens.clone()),
            "timeout" => keys.timeout.as_ref().map(|at| at.tokens.clone()),
            "retries" => keys.retries.as_ref().map(|at| at.tokens.clone()),
            "backoff" => keys.backoff.as_ref().map(|at| at.tokens.clone()),
            "dead_letter" => keys.dead_letter.as_ref().map(|at| at.tokens.clone()),
            "ack" => keys.ack.as_ref().map(|at| at.tokens.clone()),
            "batch.max" => keys.batch.as_ref().map(|at| at.tokens.clone()),
            "inbox" => keys.inbox.as_ref().map(quote::ToTokens::to_token_stream),
            "order" => keys.says_batch.as_ref().map(quote::ToTokens::to_token_stream),
            _ => None,
        };
        match tokens {
            Some(tokens) => errors.fault(tokens, &fault),
            None => errors.fault(ident, &fault),
        }
    }
    never_used(keys, errors);
}

/// What one attribute says that nothing comes of. A deployment may say so: what it says is laid over something.
fn never_used(keys: &Raw, errors: &Errors) {
    if let (Some(backoff), Some(0)) = (&keys.backoff, keys.retries.as_ref().map(|at| at.value)) {
        errors.at(&backoff.tokens, "`backoff` never applies: `retries` is 0", "remove `backoff`, or allow retries");
    }
    if keys.ack.as_ref().is_none_or(|at| at.value != AckMode::None) {
        return;
    }
    if let Some(dead_letter) = keys.dead_letter.as_ref().filter(|at| matches!(at.value, DeadLetter::Discard)) {
        let message =
            "`dead_letter` needs a delivery that is still ours, but `ack = \"none\"` settles it when it is handed out";
        errors.at(&dead_letter.tokens, message, "remove `dead_letter` or `ack = \"none\"`");
    }
    if let Some(path) = &keys.on_error {
        let message = "`on_error` can change nothing: `ack = \"none\"` settles a delivery when it is handed out";
        errors.at(path, message, "remove `on_error` or `ack = \"none\"`");
    }
}
