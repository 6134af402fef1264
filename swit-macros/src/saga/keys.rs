//! The keys of the attributes inside of the block: `#[step]`, `#[compensation]`, `#[wait]`, `#[start]`.

use std::time::Duration;

use proc_macro2::Ident;
use swit_grammar::{
    Backoff,
    limits::DEFAULT_TIMEOUT,
    name::check_name,
    saga::{Call as Checked, check_wait},
};
use syn::LitStr;

use super::function::Marked;
use crate::{
    parsing::{Elsewhere, Entry, Keys, Vocabulary, mentions},
    report::Errors,
    subscriber::attribute::{Raw, located},
};

const STEP: Vocabulary = Vocabulary {
    attribute: "#[step]",
    known: &["compensate", "no_compensation", "retries", "backoff", "timeout", "after", "idempotency_key", "name"],
    later: &[],
};

const COMPENSATION: Vocabulary =
    Vocabulary { attribute: "#[compensation]", known: &["retries", "backoff", "timeout"], later: &[] };

const WAIT: Vocabulary = Vocabulary {
    attribute: "#[wait]",
    known: &[
        "key",
        "within",
        "compensate",
        "no_compensation",
        "idempotency_key",
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
        "validate",
    ],
    later: &[],
};

const START: Vocabulary = Vocabulary {
    attribute: "#[start]",
    known: &[
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
        "timeout",
        "retries",
        "backoff",
        "dead_letter",
        "middleware",
        "on_error",
        "enabled",
        "codec",
        "transport",
        "blocking",
        "classifier",
        "circuit_breaker",
        "rate_limit",
        "validate",
    ],
    later: &[],
};

const OF_THE_SAGA: Elsewhere = Elsewhere {
    keys: &["version", "accepts", "crate"],
    whose: "the saga's",
    help: "write it above the block: `#[saga(…)]`",
};

const OF_AN_EVENT: Elsewhere = Elsewhere {
    keys: &["topic", "topics", "event", "within", "key", "dead_letter"],
    whose: "written where an event comes in",
    help: "a step that waits for an event has `#[wait(…)]` in the place of `#[step(…)]`",
};

const OF_THE_STEP: Elsewhere = Elsewhere {
    keys: &["compensate", "no_compensation", "after", "idempotency_key", "name"],
    whose: "the step's that it undoes",
    help: "write it at the step",
};

const OF_A_STEP: Elsewhere = Elsewhere {
    keys: &["compensate", "no_compensation", "after", "idempotency_key", "within", "key"],
    whose: "a step's, and nothing has happened before an instance is there",
    help: "write it at a step, or remove it",
};

const TIMER: Elsewhere = Elsewhere {
    keys: &["after"],
    whose: "a `#[step]`'s: a wait begins as soon as the step before it has ended",
    help: "write `within = \"…\"` for the time that it waits, or remove it",
};

/// What the saga makes of a subscriber by itself.
const BY_ITSELF: &[Elsewhere] = &[
    Elsewhere {
        keys: &["inbox"],
        whose: "there without being written: the saga takes each event once",
        help: "remove `inbox`",
    },
    Elsewhere {
        keys: &["ack"],
        whose: "the saga's own: the event is acknowledged once the saga has taken it",
        help: "remove `ack`",
    },
    Elsewhere { keys: &["batch"], whose: "no key here: the saga takes its events one by one", help: "remove `batch`" },
];

const NO_ERROR: Elsewhere = Elsewhere {
    keys: &["on_error"],
    whose: "no key here: the function runs as a step of the saga, when the event has been taken",
    help: "remove it; the error's class says what becomes of the step",
};

const NO_BLOCKING: Elsewhere = Elsewhere {
    keys: &["blocking"],
    whose: "no key here: the functions of a saga are async",
    help: "write `async fn`, and run what blocks with `tokio::task::spawn_blocking`",
};

/// How a function is called.
#[derive(Clone, Copy)]
pub(super) struct CallKeys {
    pub(super) timeout: Duration,
    pub(super) retries: Option<u32>,
    pub(super) backoff: Option<Backoff>,
}

/// How a step is undone.
pub(super) enum Undo {
    By(Ident),
    Nothing,
    /// It does not say, or says it wrong; it was reported.
    Reported,
}

/// What a step says, whether it waits or not.
pub(super) struct StepKeys {
    pub(super) name: Option<LitStr>,
    pub(super) undo: Undo,
    pub(super) call: CallKeys,
    pub(super) after: Option<Duration>,
    pub(super) idempotency_key: Option<Ident>,
}

/// What a wait says beside.
pub(super) struct WaitKeys {
    /// What of the event finds the instance, where it is right.
    pub(super) key: Option<Ident>,
    pub(super) within: Option<Duration>,
    /// How the event is consumed.
    pub(super) subscriber: Raw,
}

/// The keys of `#[compensation]`.
pub(super) fn compensation(marked: &Marked, errors: &Errors) -> CallKeys {
    let elsewhere = [OF_THE_STEP, OF_THE_SAGA, OF_AN_EVENT, NO_BLOCKING];
    let mut keys = Keys::read_beside(marked.keys.clone(), &COMPENSATION, &elsewhere, errors);
    call(&mut keys, errors)
}

/// The keys of `#[step]`.
pub(super) fn step(marked: &Marked, errors: &Errors) -> StepKeys {
    let elsewhere = [OF_AN_EVENT, OF_THE_SAGA, NO_BLOCKING];
    let mut keys = Keys::read_beside(marked.keys.clone(), &STEP, &elsewhere, errors);
    let after = keys.take("after").and_then(|entry| wait_of("after", &entry, errors));
    let call = call(&mut keys, errors);
    let (compensate, nothing) = (keys.take("compensate"), keys.take("no_compensation"));
    StepKeys {
        name: keys.take("name").and_then(|entry| entry.checked(check_name, errors)),
        undo: undo(compensate, nothing, marked, errors),
        call,
        after,
        idempotency_key: keys.take("idempotency_key").and_then(|entry| source(&entry, errors)),
    }
}

/// The keys of `#[wait]`. How often it is tried is said of the event's way in and of the function alike.
pub(super) fn wait(marked: &Marked, errors: &Errors) -> (StepKeys, WaitKeys) {
    let elsewhere: Vec<Elsewhere> =
        [TIMER, OF_THE_SAGA, NO_ERROR, NO_BLOCKING].into_iter().chain(by_itself()).collect();
    let mut keys = Keys::read_beside(marked.keys.clone(), &WAIT, &elsewhere, errors);
    let key = keys.take("key");
    if key.is_none() && !mentions(&marked.keys, "key", errors) {
        let message = format_args!("`{}` does not say which instance an event is for", marked.name());
        let help =
            "write `key = order`: a field of the event, or a function of this block that takes the event by reference";
        errors.at(&marked.word, message, help);
    }
    let key =
        key.and_then(|entry| entry.word("a field of the event, or a function of this block", "key = order", errors));
    let within = keys.take("within").and_then(|entry| wait_of("within", &entry, errors));
    let name = keys.take("name");
    let undo = ["compensate", "no_compensation", "idempotency_key"].map(|key| keys.take(key));
    let subscriber = Raw::read(&mut keys, errors);
    let call = CallKeys {
        timeout: subscriber.timeout.as_ref().map_or(DEFAULT_TIMEOUT, |at| at.value),
        retries: subscriber.retries.as_ref().map(|at| at.value),
        backoff: subscriber.backoff.as_ref().map(|at| at.value),
    };
    // What else can be wrong with these is said of a subscriber's as well.
    let checked = Checked { timeout: call.timeout, retries: None, backoff: None };
    if let (Some(at), false) = (&subscriber.timeout, call.timeout.is_zero()) {
        checked.faults().iter().for_each(|fault| errors.fault(&at.tokens, fault));
    }
    let [compensate, nothing, idempotency_key] = undo;
    let step = StepKeys {
        name: name.and_then(|entry| entry.checked(check_name, errors)),
        undo: self::undo(compensate, nothing, marked, errors),
        call,
        after: None,
        idempotency_key: idempotency_key.and_then(|entry| source(&entry, errors)),
    };
    (step, WaitKeys { key, within, subscriber })
}

/// The keys of `#[start]`.
pub(super) fn start(marked: &Marked, errors: &Errors) -> Raw {
    let elsewhere: Vec<Elsewhere> = [OF_A_STEP, OF_THE_SAGA].into_iter().chain(by_itself()).collect();
    let mut keys = Keys::read_beside(marked.keys.clone(), &START, &elsewhere, errors);
    Raw::read(&mut keys, errors)
}

fn by_itself() -> impl Iterator<Item = Elsewhere> {
    BY_ITSELF.iter().map(|one| Elsewhere { keys: one.keys, whose: one.whose, help: one.help })
}

fn source(entry: &Entry, errors: &Errors) -> Option<Ident> {
    entry.word("a field of the saga, or a function of this block", "idempotency_key = payment_reference", errors)
}

fn undo(compensate: Option<Entry>, nothing: Option<Entry>, marked: &Marked, errors: &Errors) -> Undo {
    let name = marked.name();
    match (compensate, nothing) {
        (Some(_), Some(nothing)) => {
            let message = format_args!("`{name}` says both how it is undone, and that it is not");
            errors.at(&nothing.key, message, "keep `compensate = …`, or `no_compensation`");
            Undo::Reported
        }
        (Some(entry), None) => {
            let example = "compensate = release";
            entry
                .word("the name of a `#[compensation]` of this block", example, errors)
                .map_or(Undo::Reported, Undo::By)
        }
        (None, Some(entry)) if entry.flag(errors) => Undo::Nothing,
        (None, Some(_)) => Undo::Reported,
        (None, None) => {
            if !mentions(&marked.keys, "compensate", errors) && !mentions(&marked.keys, "no_compensation", errors) {
                let attribute = marked.kind.attribute().trim_end_matches(']');
                let help = format_args!(
                    "write `{attribute}(compensate = NAME)]`, and a function `NAME` with `#[compensation]` that undoes it; or `{attribute}(no_compensation)]`, if there is nothing to undo"
                );
                errors.at(marked.ident(), format_args!("`{name}` does not say how it is undone"), help);
            }
            Undo::Reported
        }
    }
}

/// Reads and checks how a function is called. What is wrong is reported at its key.
fn call(keys: &mut Keys<'_>, errors: &Errors) -> CallKeys {
    let timeout = located(keys.take("timeout"), |entry| entry.duration(errors));
    let retries = located(keys.take("retries"), |entry| entry.integer(errors));
    let backoff = located(keys.take("backoff"), |entry| entry.backoff(errors));
    let checked = Checked {
        timeout: timeout.as_ref().map_or(DEFAULT_TIMEOUT, |at| at.value),
        retries: retries.as_ref().map(|at| at.value),
        backoff: backoff.as_ref().map(|at| at.value),
    };
    for fault in checked.faults() {
        let tokens = match fault.key {
            "timeout" => timeout.as_ref().map(|at| at.tokens.clone()),
            "retries" => retries.as_ref().map(|at| at.tokens.clone()),
            _ => backoff.as_ref().map(|at| at.tokens.clone()),
        };
        errors.fault(tokens.unwrap_or_default(), &fault);
    }
    if let (Some(0), Some(backoff)) = (checked.retries, &backoff) {
        errors.at(&backoff.tokens, "`backoff` never applies: `retries` is 0", "remove `backoff`, or allow retries");
    }
    CallKeys { timeout: checked.timeout, retries: checked.retries, backoff: checked.backoff }
}

fn wait_of(key: &'static str, entry: &Entry, errors: &Errors) -> Option<Duration> {
    let wait = entry.duration(errors)?;
    match check_wait(key, wait) {
        Ok(()) => Some(wait),
        Err(fault) => {
            errors.fault(entry.value_tokens(), &fault);
            None
        }
    }
}
