//! What is written of an instance: what it was started with, and what has happened.
//!
//! JSON, read by people as well: `saga show` prints it, and so does the database.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::SagaError;
use crate::{
    headers::{Headers, names},
    store::Instance,
    text::Text,
};

/// What an instance was started with. Never changed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    pub(crate) input: Box<RawValue>,
    /// The correlation id of whatever started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) correlation: Option<String>,
    /// Its trace (W3C headers).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) trace: BTreeMap<String, String>,
    /// When its time is over, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<u64>,
}

impl Opening {
    pub(crate) fn headers(&self) -> Headers {
        self.trace.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The trace that these headers carry.
    pub(crate) fn trace_of(headers: &Headers) -> BTreeMap<String, String> {
        let w3c = [names::TRACEPARENT, names::TRACESTATE, names::BAGGAGE];
        let text = |name: Text| Some((name.to_string(), headers.get(&name)?.as_str()?.to_owned()));
        w3c.into_iter().filter_map(text).collect()
    }
}

/// What has happened to an instance.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// The step that is next, or runs, going forward. While it is undone: the step that is to be undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Text>,
    /// How often that failed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) failures: u32,
    /// How often whoever ran it died.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) interruptions: u32,
    /// It may have been done without anybody knowing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) doubt: bool,
    /// Nobody runs it: what is next has not begun.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) rests: bool,
    /// Until when it rests before the step, or waits for its event, in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<u64>,
    /// Why it is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<Cause>,
    /// The last error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// The step that failed for good, and the reason of that: as of a dead letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<Failed>,
    /// The steps that were done, in their order.
    #[serde(default)]
    pub(crate) done: Vec<Done>,
}

/// What failed for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failed {
    pub(crate) step: Text,
    pub(crate) reason: Text,
    pub(crate) error: String,
}

/// Why an instance is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Cause {
    /// A step failed.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
    /// Somebody wants it undone.
    Asked,
    /// Its time was over.
    TimedOut,
}

/// A step that was done, or may have been.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) step: Text,
    /// What came of it, which may be `null`; nothing: nobody knows whether it was done.
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Box<RawValue>>,
    /// It was undone, or needs not to be.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) undone: bool,
}

impl Journal {
    /// What is at the front begins from the beginning.
    pub(crate) fn turn_to(&mut self, at: Option<Text>) {
        *self = Self {
            at,
            cause: self.cause,
            error: self.error.take(),
            failed: self.failed.take(),
            done: std::mem::take(&mut self.done),
            ..Self::default()
        };
    }

    /// What came of a step, in JSON.
    pub(crate) fn output(&self, step: &str) -> Option<&RawValue> {
        self.done.iter().find(|done| done.step == step).and_then(|done| done.output.as_deref())
    }

    pub(crate) fn written(&self) -> Text {
        // Maps with text as keys, and JSON that was read before: nothing of it can't be written.
        serde_json::to_string(self).unwrap_or_default().into()
    }
}

/// Reads both from a row.
pub(crate) fn read(instance: &Instance) -> Result<(Opening, Journal), SagaError> {
    let failed = |source| SagaError::Journal { saga: instance.saga.clone(), key: instance.key.clone(), source };
    let opening = serde_json::from_str(&instance.opening).map_err(failed)?;
    let journal = serde_json::from_str(&instance.journal).map_err(failed)?;
    Ok((opening, journal))
}

pub(crate) fn micros(at: SystemTime) -> u64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

pub(crate) fn moment(micros: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(micros)
}

/// JSON that is there, also where it is `null`.
fn there<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(json).map(Some)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_that_is_null_is_one() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).ok();
        let done = |step: &str, output| Done { step: step.into(), output, undone: false };
        let journal = Journal { done: vec![done("unit", raw("null")), done("doubtful", None)], ..Journal::default() };
        let read: Journal = serde_json::from_str(&journal.written()).unwrap();
        assert_eq!(
            (read.output("unit").map(RawValue::get), read.output("doubtful").map(RawValue::get)),
            (Some("null"), None)
        );
    }
}
