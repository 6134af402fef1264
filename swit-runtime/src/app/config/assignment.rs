//! One key with one value in one layer: what every layer is taken apart into.

use super::Origin;

/// A key with its value.
#[derive(Clone)]
pub(super) struct Assignment {
    /// The section, then what is below it.
    pub(super) path: Vec<String>,
    /// What it is set to. A table only if it is empty.
    pub(super) value: toml::Value,
    /// How the value was written.
    pub(super) written: Written,
    /// Where.
    pub(super) origin: Origin,
}

/// How a value was written, which decides what it may be taken for and whether it may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// With its type: TOML or Rust.
    Typed,
    /// As text that may stand for a number, a truth value or a list: an environment variable.
    Plain,
    /// As the content of a file that a `…_FILE` variable names: as [`Plain`](Self::Plain), and never shown.
    Secret,
}

/// Takes a table apart into assignments; an empty table stays one, so that its name is checked too.
pub(super) fn flatten(path: Vec<String>, value: toml::Value, origin: &Origin, into: &mut Vec<Assignment>) {
    match value {
        toml::Value::Table(table) if !table.is_empty() => {
            for (key, value) in table {
                let mut path = path.clone();
                path.push(key);
                flatten(path, value, origin, into);
            }
        }
        value => into.push(Assignment { path, value, written: Written::Typed, origin: origin.clone() }),
    }
}
