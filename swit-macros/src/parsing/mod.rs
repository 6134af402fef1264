//! Reading attributes: entries with their spans, the table of an attribute's keys, and the values of keys.

mod backoff;
mod entry;
mod helper;
mod keys;
mod value;

pub(crate) use entry::{Entry, Form, entries};
pub(crate) use helper::{Helper, helper};
pub(crate) use keys::{Elsewhere, Keys, Vocabulary, mentions};
