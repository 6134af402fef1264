//! The schema of one type, compiled, and what it says of a payload.

use std::{error::Error as _, fmt};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use schemars::generate::SchemaSettings;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::HasSchema;
use crate::{
    codec::{DecodeError, json},
    event::short_type_name,
};

/// How many violations are told; that there are more is said.
const TOLD: usize = 8;

/// The longest text of a place or of what is wrong there, in bytes: either may repeat what the payload says.
const LONGEST: usize = 200;

/// The schema of one type.
#[derive(Debug)]
pub struct Document {
    validator: Validator,
    type_name: &'static str,
}

impl Document {
    /// Of a type, as it is deserialized. Formats (`"format": "email"`) are held to where they are known.
    pub(super) fn of<T: HasSchema>() -> Result<Self, String> {
        let type_name = short_type_name::<T>();
        let schema = SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>();
        // Nothing is fetched: what a schema refers to is in it.
        let options = jsonschema::options().should_validate_formats(true).offline();
        let validator =
            options.build(schema.as_value()).map_err(|error| format!("the JSON Schema of `{type_name}`: {error}"))?;
        Ok(Self { validator, type_name })
    }

    /// What is no JSON, or nested too deep, is left to the decoder. What is JSON by its grammar, and yet no value (a number
    /// that no `f64` holds, half a surrogate pair), is refused: a decoder passes over it in a field that it does not know.
    pub(super) fn check(&self, payload: &[u8]) -> Result<(), Violations> {
        match json::decode::<Value>(payload) {
            Ok(value) if self.validator.is_valid(&value) => Ok(()),
            Ok(value) => Err(self.violations(&value)),
            Err(error) if json::decode::<IgnoredAny>(payload).is_ok() => Err(self.unheld(&error)),
            Err(_) => Ok(()),
        }
    }

    #[cold]
    fn unheld(&self, error: &DecodeError) -> Violations {
        let name = self.type_name;
        let why = error.source().map(ToString::to_string).unwrap_or_default();
        Violations(format!("the JSON Schema of `{name}` can't be held against what is no JSON value: {}", cut(&why)))
    }

    #[cold]
    fn violations(&self, value: &Value) -> Violations {
        let mut errors = self.validator.iter_errors(value);
        let told: Vec<String> = errors.by_ref().take(TOLD).map(|error| violation(&error)).collect();
        let more = if errors.next().is_some() { "; and more" } else { "" };
        Violations(format!("it is not as the JSON Schema of `{}` says: {}{more}", self.type_name, told.join("; ")))
    }
}

/// `/items/3/quantity: 0 is less than the minimum of 1`
fn violation(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().as_str();
    if let ValidationErrorKind::Required { property } = error.kind() {
        let name = property.as_str().unwrap_or_default().replace('~', "~0").replace('/', "~1");
        return format!("{}: it is required", cut(&format!("{place}/{name}")));
    }
    // Texts and whole objects tell more of the payload than of what is wrong; and whoever reads logs is not who reads queues.
    let said = match &**error.instance() {
        Value::Array(_) | Value::Object(_) | Value::String(_) => error.masked().to_string(),
        Value::Null | Value::Bool(_) | Value::Number(_) => error.to_string(),
    };
    if place.is_empty() { cut(&said) } else { format!("{}: {}", cut(place), cut(&said)) }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(LONGEST)])
}

/// What is wrong with a payload, and where: JSON Pointers (RFC 6901).
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
