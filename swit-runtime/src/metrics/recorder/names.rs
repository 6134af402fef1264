//! Names and labels of a program's own metrics, made valid.

use std::collections::BTreeMap;

use ::metrics::Label;

use crate::metrics::Kind;

/// A metric's name: letters, digits, `_` and `:`, not beginning with a digit.
pub(super) fn metric(name: &str) -> String {
    valid(name, |c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn valid(name: &str, is_allowed: impl Fn(char) -> bool) -> String {
    let mut valid = String::with_capacity(name.len() + 1);
    if name.chars().next().is_none_or(|first| first.is_ascii_digit()) {
        valid.push('_');
    }
    valid.extend(name.chars().map(|c| if is_allowed(c) { c } else { '_' }));
    valid
}

/// The names of a metric's samples.
pub(super) fn samples(name: &str, kind: Kind) -> Vec<String> {
    let mut samples = vec![name.to_owned()];
    if kind == Kind::Histogram {
        samples.extend(["_bucket", "_sum", "_count"].map(|suffix| format!("{name}{suffix}")));
    }
    samples
}

/// Most bytes of a label's value; one that is longer was made of something else than a few words.
const LONGEST_VALUE: usize = 1_024;

/// Labels by their names; of two of the same name the first. Values are cut.
pub(super) fn labels<'a>(labels: impl Iterator<Item = &'a Label>, kind: Kind) -> BTreeMap<String, String> {
    let mut named = BTreeMap::new();
    for label in labels {
        let mut name = valid(label.key(), |c| c.is_ascii_alphanumeric() || c == '_');
        // What Prometheus keeps for itself, and the bounds of a histogram.
        if name.starts_with("__") {
            name.insert_str(0, "label");
        }
        if kind == Kind::Histogram && name == "le" {
            name.push('_');
        }
        let value = label.value();
        let value = &value[..value.floor_char_boundary(LONGEST_VALUE)];
        named.entry(name).or_insert_with(|| value.to_owned());
    }
    named
}
