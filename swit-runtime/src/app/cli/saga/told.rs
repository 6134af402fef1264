//! An instance of a saga, for people and for programs. What it holds is anybody's: nothing in it reaches a terminal as it is.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    app::cli::show::visible,
    outcome::cap,
    pipeline::rfc3339,
    saga::{Cause, Done, Failed, Journal, Opening, moment, read},
    store::{Instance, SagaState, SagaWish},
};

/// Most bytes of an input, an output or an error that people are shown.
const PREVIEW: usize = 1_024;

/// An instance on one line.
pub(super) fn line(instance: &Instance) -> String {
    let mut out = format!("{}  {}  {}", visible(&instance.saga), visible(&instance.key), instance.state);
    let journal = read(instance).map(|(_, journal)| journal).unwrap_or_default();
    // Writing to a `String` can't fail.
    if let Some(at) = &journal.at {
        let _ = write!(out, "  at `{}`", visible(at));
    }
    if !instance.state.is_finished() {
        let _ = write!(out, "  {}", visible(&cap(&next(instance), PREVIEW)));
        if let Some(error) = journal.error.as_ref().filter(|_| instance.parked.is_none()) {
            let _ = write!(out, "  after: {}", visible(&cap(error, PREVIEW)));
        }
    }
    out.push('\n');
    out
}

/// Who goes on with it, and when.
fn next(instance: &Instance) -> String {
    if let Some(why) = &instance.parked {
        return format!("parked: {why}");
    }
    if !instance.owner.is_empty() {
        return format!("run by {}", instance.owner);
    }
    match (&instance.waits, instance.due) {
        (Some(_), Some(due)) => format!("waits for its event until {}", rfc3339(due)),
        (Some(_), None) => "waits for its event".to_owned(),
        (None, Some(due)) => format!("due {}", rfc3339(due)),
        (None, None) => "nobody's".to_owned(),
    }
}

/// Why it would be in vain to wish that it be undone.
pub(super) fn is_futile(instance: &Instance) -> Option<String> {
    if instance.state.is_finished() {
        return Some(format!("is {}", instance.state));
    }
    let is_undone = read(instance).is_ok_and(|(_, journal)| journal.cause.is_some());
    match (is_undone, instance.parked.is_some(), instance.wish) {
        (true, true, _) => Some("is being undone already, and parked; `saga resume` has it tried again".to_owned()),
        (true, false, _) => Some("is being undone already".to_owned()),
        (false, false, Some(wish)) => Some(format!("was asked to {} before", wish.as_str())),
        _ => None,
    }
}

/// An instance on some lines.
pub(super) fn text(instance: &Instance) -> String {
    let Instance { saga, key, state, .. } = instance;
    let mut out = format!("{}  {}  {state}\n", visible(saga), visible(key));
    let mut line = |name: &str, value: &str| {
        // Writing to a `String` can't fail.
        let _ = writeln!(out, "  {name:<12}  {}", visible(&cap(value, PREVIEW)));
    };
    line("id", &instance.id);
    line("version", &format!("{}, written {} times since it was started", instance.version, instance.revision));
    line("started", &rfc3339(instance.started_at));
    line("written", &rfc3339(instance.updated_at));
    let read = read(instance);
    if let Ok((_, journal)) = &read {
        if let Some(at) = &journal.at {
            line("step", &step(at, journal, *state));
        }
        if let Some(cause) = journal.cause {
            line("undone", why_undone(cause));
        }
    }
    if !state.is_finished() {
        line("next", &next(instance));
    }
    if let Some(wish) = instance.wish {
        line("wish", wish.as_str());
    }
    match read {
        Ok((opening, journal)) => journalled(&opening, &journal, line),
        Err(error) => {
            line("unreadable", &crate::outcome::one_line(&error));
            line("opening", &instance.opening);
            line("journal", &instance.journal);
        }
    }
    out
}

fn journalled(opening: &Opening, journal: &Journal, mut line: impl FnMut(&str, &str)) {
    if let Some(error) = &journal.error {
        line("error", error);
    }
    if let Some(Failed { step, reason, error }) = &journal.failed {
        line("failed", &format!("{step}  {reason}  {error}"));
    }
    if let Some(deadline) = opening.deadline {
        line("deadline", &rfc3339(moment(deadline)));
    }
    if let Some(correlation) = &opening.correlation {
        line("correlation", correlation);
    }
    line("input", opening.input.get());
    for done in &journal.done {
        let output = done.output.as_ref().map_or("nobody knows whether it was done", |output| output.get());
        line(if done.undone { "done, undone" } else { "done" }, &format!("{}  {output}", done.step));
    }
}

/// What is at the front, and how often it failed.
fn step(at: &str, journal: &Journal, state: SagaState) -> String {
    let mut out = at.to_owned();
    out += match (journal.cause, state) {
        (Some(_), _) => ", to be undone",
        (None, SagaState::Running) => ", has begun",
        (None, _) => ", not begun",
    };
    if journal.failures > 0 {
        // Writing to a `String` can't fail.
        let _ = write!(out, ", failed {} times", journal.failures);
    }
    if journal.interruptions > 0 {
        let _ = write!(out, ", its process died {} times", journal.interruptions);
    }
    out
}

fn why_undone(cause: Cause) -> &'static str {
    match cause {
        Cause::Failed => "because a step failed",
        Cause::Cancelled => "because it was cancelled",
        Cause::Asked => "because it was asked for",
        Cause::TimedOut => "because its time was over",
    }
}

/// An instance as programs read it.
#[derive(Serialize)]
struct Object<'a> {
    saga: &'a str,
    key: &'a str,
    id: &'a str,
    state: &'static str,
    version: u32,
    revision: i64,
    started_at: String,
    updated_at: String,
    owner: Option<&'a str>,
    waits: Option<&'a str>,
    due: Option<String>,
    parked: Option<&'a str>,
    wish: Option<&'static str>,
    #[serde(flatten)]
    happened: Happened<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Happened<'a> {
    Read {
        step: Option<&'a str>,
        failures: u32,
        interruptions: u32,
        cause: Option<Cause>,
        error: Option<&'a str>,
        failed: Option<&'a Failed>,
        deadline: Option<String>,
        correlation_id: Option<&'a str>,
        input: &'a RawValue,
        done: Vec<DoneObject<'a>>,
    },
    Unreadable {
        unreadable: String,
        opening: &'a str,
        journal: &'a str,
    },
}

#[derive(Serialize)]
struct DoneObject<'a> {
    step: &'a str,
    undone: bool,
    /// `null` beside `false`: nobody knows whether it was done.
    is_known: bool,
    output: Option<&'a RawValue>,
}

/// An instance as a JSON object on one line.
pub(super) fn json(instance: &Instance) -> String {
    let read = read(instance);
    let happened = match &read {
        Ok((opening, journal)) => Happened::Read {
            step: journal.at.as_deref(),
            failures: journal.failures,
            interruptions: journal.interruptions,
            cause: journal.cause,
            error: journal.error.as_deref(),
            failed: journal.failed.as_ref(),
            deadline: opening.deadline.map(|deadline| rfc3339(moment(deadline))),
            correlation_id: opening.correlation.as_deref(),
            input: &opening.input,
            done: journal.done.iter().map(done).collect(),
        },
        Err(error) => Happened::Unreadable {
            unreadable: crate::outcome::one_line(error),
            opening: &instance.opening,
            journal: &instance.journal,
        },
    };
    let object = Object {
        saga: &instance.saga,
        key: &instance.key,
        id: &instance.id,
        state: instance.state.as_str(),
        version: instance.version,
        revision: instance.revision,
        started_at: rfc3339(instance.started_at),
        updated_at: rfc3339(instance.updated_at),
        owner: Some(&*instance.owner).filter(|owner| !owner.is_empty()),
        waits: instance.waits.as_deref(),
        due: instance.due.map(rfc3339),
        parked: instance.parked.as_deref(),
        wish: instance.wish.map(SagaWish::as_str),
        happened,
    };
    // Texts, numbers, and JSON that was read before: nothing of it can't be written. A line end stands between the values
    // of such JSON, never in one.
    let text = serde_json::to_string(&object).unwrap_or_default().replace(['\n', '\r'], " ");
    format!("{text}\n")
}

fn done(done: &Done) -> DoneObject<'_> {
    DoneObject {
        step: &done.step,
        undone: done.undone,
        is_known: done.output.is_some(),
        output: done.output.as_deref(),
    }
}
