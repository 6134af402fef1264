//! What stands in a schema's place where the feature `schema` is missing. Not reached: the contract does not hold.

use std::fmt;

use super::HasSchema;

const ABSENT: &str = "schemas are not compiled in; enable the feature `schema` of `swit`";

/// No schema.
#[derive(Debug)]
pub struct Document;

impl Document {
    pub(super) fn of<T: HasSchema>() -> Result<Self, String> {
        Err(ABSENT.to_owned())
    }

    #[expect(clippy::unused_self, reason = "as with the feature")]
    pub(super) fn check(&self, _payload: &[u8]) -> Result<(), Violations> {
        Err(Violations::of(ABSENT))
    }
}

/// Why a payload is refused.
#[derive(Debug)]
pub struct Violations(String);

impl Violations {
    pub(super) fn of(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
