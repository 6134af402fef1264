//! One connection or pool of either database: statements with values in, rows with values out.

use sqlx::{Column as _, Row as _, TypeInfo as _, ValueRef as _};

use crate::store::{Row, StoreError, Value, ValueError};

/// A statement, whose text is ours or was given by a handler, which never puts values into it.
pub(super) struct Said<'a> {
    pub(super) text: &'a str,
    /// Whether it is likely to come again, so that it is kept prepared.
    pub(super) again: bool,
    pub(super) values: &'a [Value],
}

impl<'a> Said<'a> {
    pub(super) fn new(text: &'a str, values: &'a [Value]) -> Self {
        Self { text, again: true, values }
    }

    /// Made for this once.
    pub(super) fn once(text: &'a str, values: &'a [Value]) -> Self {
        Self { again: false, ..Self::new(text, values) }
    }
}

/// A statement as a query of sqlx, for whichever database the executor is of.
macro_rules! query {
    ($said:expr) => {{
        let Said { text, again, values } = $said;
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).persistent(again);
        for value in values {
            query = match value {
                Value::Integer(value) => query.bind(*value),
                Value::Real(value) => query.bind(*value),
                Value::Text(value) => query.bind(value.as_deref().map(str::to_owned)),
                Value::Bytes(value) => query.bind(value.clone()),
                Value::Bool(value) => query.bind(*value),
            };
        }
        query
    }};
}
pub(super) use query;

/// Executes a statement on an executor of either database.
macro_rules! execute {
    ($said:expr, $on:expr) => {
        super::session::query!($said).execute($on).await.map(|done| done.rows_affected())
    };
}
pub(super) use execute;

/// Reads all rows of a statement on an executor of either database.
macro_rules! fetch {
    ($said:expr, $on:expr, $read:path) => {
        match super::session::query!($said).fetch_all($on).await {
            Ok(rows) => rows.iter().map($read).collect::<Result<Vec<Row>, StoreError>>(),
            Err(error) => Err(super::classify::failed("reading rows")(error)),
        }
    };
}
pub(super) use fetch;

macro_rules! read {
    ($name:ident, $row:ty, $($($type:literal)|+ => $read:expr),* $(,)?) => {
        /// A row as values; each column by the type that the database says it has.
        pub(super) fn $name(row: &$row) -> Result<Row, StoreError> {
            let mut values = Vec::with_capacity(row.len());
            for column in row.columns() {
                let at = column.ordinal();
                let decode = super::classify::failed("reading a column");
                let raw = row.try_get_raw(at).map_err(decode)?;
                let (kind, is_null) = (raw.type_info().into_owned(), raw.is_null());
                let value: Result<Value, sqlx::Error> = match kind.name() {
                    $($($type)|+ => $read(row, at),)*
                    _ if is_null => Ok(Value::Text(None)),
                    other => {
                        let wanted = "a type that a portable statement can read: cast it, or ask the database's own client";
                        let error = ValueError { column: at, found: format!("of the type {other}"), wanted };
                        return Err(error.into());
                    }
                };
                values.push(value.map_err(super::classify::failed("reading a column"))?);
            }
            Ok(Row(values))
        }
    };
}

#[cfg(feature = "postgres")]
read!(
    read_postgres, sqlx::postgres::PgRow,
    "INT8" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<i64>, _>(at).map(Value::Integer),
    "INT4" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<i32>, _>(at).map(|n| Value::Integer(n.map(Into::into))),
    "INT2" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<i16>, _>(at).map(|n| Value::Integer(n.map(Into::into))),
    "FLOAT8" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<f64>, _>(at).map(Value::Real),
    "FLOAT4" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<f32>, _>(at).map(|n| Value::Real(n.map(Into::into))),
    "TEXT" | "VARCHAR" | "CHAR" | "NAME" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<String>, _>(at).map(|t| Value::Text(t.map(Into::into))),
    "BYTEA" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<Vec<u8>>, _>(at).map(Value::Bytes),
    "BOOL" => |row: &sqlx::postgres::PgRow, at| row.try_get::<Option<bool>, _>(at).map(Value::Bool),
);

#[cfg(feature = "sqlite")]
read!(
    read_sqlite, sqlx::sqlite::SqliteRow,
    "INTEGER" | "BOOLEAN" => |row: &sqlx::sqlite::SqliteRow, at| row.try_get_unchecked::<Option<i64>, _>(at).map(Value::Integer),
    "REAL" => |row: &sqlx::sqlite::SqliteRow, at| row.try_get_unchecked::<Option<f64>, _>(at).map(Value::Real),
    "TEXT" => |row: &sqlx::sqlite::SqliteRow, at| row.try_get_unchecked::<Option<String>, _>(at).map(|t| Value::Text(t.map(Into::into))),
    "BLOB" => |row: &sqlx::sqlite::SqliteRow, at| row.try_get_unchecked::<Option<Vec<u8>>, _>(at).map(Value::Bytes),
);
