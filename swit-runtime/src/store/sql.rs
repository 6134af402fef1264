//! SQL that both databases understand: statements with `$1`, and values of five kinds.

use crate::text::Text;

/// A statement with its values, for whichever database there is. `$1` is the first value, in PostgreSQL and SQLite alike.
#[derive(Debug, Clone)]
pub struct Statement<'a> {
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), expect(dead_code, reason = "no database reads it"))]
    pub(crate) text: &'a str,
    pub(crate) values: Vec<Value>,
}

impl<'a> Statement<'a> {
    /// A statement without values. Values never belong into its text.
    pub const fn new(text: &'a str) -> Self {
        Self { text, values: Vec::new() }
    }

    /// With this value as the next one.
    #[must_use]
    pub fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }
}

/// A value in a database. `None` is `NULL`, of that kind.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A whole number (`BIGINT`; smaller ones when they are read).
    Integer(Option<i64>),
    /// A floating point number (`DOUBLE PRECISION`).
    Real(Option<f64>),
    /// Text (`TEXT`).
    Text(Option<Text>),
    /// Bytes (`BYTEA`, `BLOB`).
    Bytes(Option<Vec<u8>>),
    /// A truth value (`BOOLEAN`; SQLite gives it back as 0 or 1).
    Bool(Option<bool>),
}

macro_rules! from {
    ($($kind:ident: $($type:ty),*;)*) => { $($(
        impl From<$type> for Value {
            fn from(value: $type) -> Self {
                Self::$kind(Some(value.into()))
            }
        }

        impl From<Option<$type>> for Value {
            fn from(value: Option<$type>) -> Self {
                Self::$kind(value.map(Into::into))
            }
        }
    )*)* };
}
from! {
    Integer: i64, i32, u32, i16, u16, u8;
    Real: f64, f32;
    Text: &str, String, Text;
    Bytes: Vec<u8>, &[u8];
    Bool: bool;
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<&Text> for Value {
    fn from(value: &Text) -> Self {
        value.clone().into()
    }
}

/// A row that was read: its values in the order of the statement's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row(pub(crate) Vec<Value>);

/// A column holds something else than was asked for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("column {column} of the row is {found}, not {wanted}")]
pub struct ValueError {
    /// The column, counted from 0.
    pub column: usize,
    /// What it holds.
    pub found: String,
    /// What was asked for.
    pub wanted: &'static str,
}

macro_rules! get {
    ($($(#[$doc:meta])* $name:ident, $optional:ident: $kind:ident($type:ty), $wanted:literal;)*) => { $(
        $(#[$doc])*
        ///
        /// # Errors
        /// It holds something else, or `NULL`.
        pub fn $name(&self, column: usize) -> Result<$type, ValueError> {
            self.$optional(column)?.ok_or_else(|| self.wrong(column, $wanted))
        }

        $(#[$doc])*
        /// `None`: it is `NULL`.
        ///
        /// # Errors
        /// It holds something else.
        pub fn $optional(&self, column: usize) -> Result<Option<$type>, ValueError> {
            match self.0.get(column) {
                Some(Value::$kind(value)) => Ok(value.clone()),
                Some(other) if other.is_null() => Ok(None),
                _ => Err(self.wrong(column, $wanted)),
            }
        }
    )* };
}

impl Row {
    get! {
        /// The whole number in this column, counted from 0.
        integer, optional_integer: Integer(i64), "a whole number";
        /// The floating point number in this column, counted from 0.
        real, optional_real: Real(f64), "a floating point number";
        /// The text in this column, counted from 0.
        text, optional_text: Text(Text), "text";
        /// The bytes in this column, counted from 0.
        bytes, optional_bytes: Bytes(Vec<u8>), "bytes";
    }

    /// The truth value in this column, counted from 0. SQLite knows none: there it is a number that is not 0.
    ///
    /// # Errors
    /// It holds something else, or `NULL`.
    pub fn boolean(&self, column: usize) -> Result<bool, ValueError> {
        match self.0.get(column) {
            Some(Value::Bool(Some(value))) => Ok(*value),
            Some(Value::Integer(Some(number))) => Ok(*number != 0),
            _ => Err(self.wrong(column, "a truth value")),
        }
    }

    fn wrong(&self, column: usize, wanted: &'static str) -> ValueError {
        let found = match self.0.get(column) {
            None => "not there".to_owned(),
            Some(value) if value.is_null() => "NULL".to_owned(),
            Some(Value::Integer(_)) => "a whole number".to_owned(),
            Some(Value::Real(_)) => "a floating point number".to_owned(),
            Some(Value::Text(_)) => "text".to_owned(),
            Some(Value::Bytes(_)) => "bytes".to_owned(),
            Some(Value::Bool(_)) => "a truth value".to_owned(),
        };
        ValueError { column, found, wanted }
    }
}

impl Value {
    fn is_null(&self) -> bool {
        match self {
            Self::Integer(value) => value.is_none(),
            Self::Real(value) => value.is_none(),
            Self::Text(value) => value.is_none(),
            Self::Bytes(value) => value.is_none(),
            Self::Bool(value) => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_what_it_is_or_says_what_it_is() {
        let row = Row(vec![7_i64.into(), "a".into(), Value::Text(None), true.into()]);
        assert_eq!((row.integer(0).unwrap(), row.text(1).unwrap().as_str()), (7, "a"));
        assert_eq!((row.optional_text(2).unwrap(), row.optional_integer(2).unwrap()), (None, None));
        assert!(row.boolean(0).unwrap() && row.boolean(3).unwrap());
        assert_eq!(row.text(0).unwrap_err().to_string(), "column 0 of the row is a whole number, not text");
        assert_eq!(row.text(2).unwrap_err().to_string(), "column 2 of the row is NULL, not text");
        assert_eq!(row.bytes(4).unwrap_err().to_string(), "column 4 of the row is not there, not bytes");
    }
}
