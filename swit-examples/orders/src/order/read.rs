//! A line of input becomes an order, or an error that names the field.

use std::error::Error;

use swit::{Class, Classify, codec};

use super::{MoneyError, Order, object::Object, path::path_at, text::short};

/// Why a line is not a valid order. The same bytes fail again, so it is never retried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidLine {
    /// The bytes are no text.
    #[error("not UTF-8: byte {at} of the line cannot stand there")]
    NotUtf8 {
        /// The first wrong byte, counted from 1.
        at: usize,
    },
    /// The line is longer than a message may be; only its beginning was kept.
    #[error("the line has {bytes} bytes, the limit is {limit}; its first {limit} bytes are kept")]
    TooLong {
        /// Bytes of the line.
        bytes: u64,
        /// Most bytes of a line.
        limit: usize,
    },
    /// A field is wrong or missing, or the line is no JSON object at all.
    #[error("{place}: {problem} (column {column})")]
    Wrong {
        /// The field's path in backticks, or `the line`.
        place: String,
        /// What is wrong with it.
        problem: String,
        /// Where the reader stood, in bytes from 1.
        column: usize,
    },
    /// Nested too deep.
    #[error("{0}")]
    TooDeep(String),
    /// Every price is valid, but not their sum.
    #[error("`items`: the order's total is {0}")]
    Total(MoneyError),
}

impl Classify for InvalidLine {
    fn classify(&self) -> swit::Classification {
        Class::InvalidInput.into()
    }
}

/// Reads one line, without its line break.
///
/// # Errors
/// What is wrong with it, and where.
pub fn read(line: &[u8]) -> Result<Order, InvalidLine> {
    // Fields that are ignored are not looked into, so that the whole line is checked here.
    std::str::from_utf8(line).map_err(|error| InvalidLine::NotUtf8 { at: error.valid_up_to() + 1 })?;
    match codec::json::decode::<Object<Order>>(line) {
        Ok(Object(order)) => Ok(order),
        Err(error) => Err(match error.source().and_then(|source| source.downcast_ref()) {
            Some(json) => wrong(line, json),
            None => InvalidLine::TooDeep(error.to_string()),
        }),
    }
}

fn wrong(line: &[u8], error: &serde_json::Error) -> InvalidLine {
    let text = error.to_string();
    // The line number within the line is of no use, and the column is told by ourselves.
    let problem = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    let path = path_at(line, error.column());
    let place = if path.is_empty() { "the line".to_owned() } else { format!("`{path}`") };
    InvalidLine::Wrong { place, problem: capped(problem), column: error.column() }
}

/// At most 200 characters of a problem: it may quote the line.
fn capped(problem: &str) -> String {
    match problem.char_indices().nth(200) {
        None => problem.to_owned(),
        // The end says what was expected.
        Some((end, _)) => match problem.rfind(", expected ") {
            Some(expected) if expected > end => format!("{}…{}", &problem[..end], short(&problem[expected..])),
            _ => format!("{}…", &problem[..end]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{OrderType, Region};

    const GOOD: &str = r#"{"order_id":"o","customer_id":"c","currency":"EUR","placed_at":"2026-01-01T00:00:00Z","items":[{"sku":"s","quantity":1,"unit_price":"1.50"}],"payment":{"method":"card","token":"tok_1"}}"#;

    fn error(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        read(GOOD.replace(from, to).as_bytes()).map(|order| panic!("{order:?}")).unwrap_err().to_string()
    }

    #[test]
    fn a_good_line_is_read() {
        let order = read(GOOD.as_bytes()).unwrap();
        assert_eq!((order.order_type, order.region), (OrderType::Other, Region::Other));
        assert_eq!(order.total().unwrap().to_string(), "1.50");
        let more =
            GOOD.replace("{\"order_id", "{\"x\":[{\"y\":\"\\ud83c\"}],\"type\":\"gift\",\"region\":7,\"order_id");
        assert_eq!(read(more.as_bytes()).unwrap().order_type, OrderType::Gift);
        assert_eq!(read(format!(" {GOOD}\t\r").as_bytes()).unwrap(), order, "space around it");
    }

    #[test]
    fn errors_name_the_field() {
        for (from, to, start) in [
            (
                "\"1.50\"",
                "1.50",
                "`items[0].unit_price`: invalid type: floating point `1.5`, expected a decimal as text",
            ),
            ("\"1.50\"", "\"1.23456\"", "`items[0].unit_price`: the amount \"1.23456\" is more than 4 decimals"),
            (
                "\"quantity\":1",
                "\"quantity\":\"1\"",
                "`items[0].quantity`: invalid type: string \"1\", expected an integer",
            ),
            ("\"quantity\":1", "\"quantity\":1.0", "`items[0].quantity`: invalid type: floating point"),
            ("EUR", "eur", "`currency`: invalid value: string \"eur\", expected a currency"),
            ("\"o\"", "5", "`order_id`: invalid type: integer `5`"),
            ("\"order_id\":\"o\",", "", "the line: missing field `order_id`"),
            ("\"sku\":\"s\",", "", "`items[0]`: missing field `sku`"),
            ("2026-01-01", "2026-02-30", "`placed_at`: invalid value"),
            (",\"token\":\"tok_1\"", "", "`payment`: missing field `token`"),
            ("\"order_id\"", "\"currency\":\"EUR\",\"order_id\"", "`currency`: duplicate field `currency`"),
            ("{\"sku\":\"s\",\"quantity\":1,\"unit_price\":\"1.50\"}", "", "`items`: invalid length 0"),
            ("{\"sku\":\"s\",\"quantity\":1,\"unit_price\":\"1.50\"}", "[\"s\",1,\"1\"]", "`items[0]"),
            ("{\"method\":\"card\",\"token\":\"tok_1\"}", "[\"card\",\"tok_1\"]", "`payment"),
        ] {
            let text = error(from, to);
            assert!(text.starts_with(start), "{text}\n  is not {start}");
        }
    }

    #[test]
    fn lines_that_are_no_object() {
        for line in ["[]", "null", "5", "\"x\"", "{", "{}", "{\"order_id\"", "plain text", "{}{}", "\u{feff}{}", ""] {
            assert!(matches!(read(line.as_bytes()), Err(InvalidLine::Wrong { .. })), "{line}");
        }
        assert!(read(format!("{GOOD} {GOOD}").as_bytes()).is_err());
        let array = r#"["o","c","EUR","2026-01-01T00:00:00Z",[{"sku":"s","quantity":1,"unit_price":"1"}],{"method":"a","token":"b"},"x","y"]"#;
        assert!(read(array.as_bytes()).is_err());
    }

    #[test]
    fn depth_and_bytes() {
        let deep = |levels: usize| {
            GOOD.replace("{\"order_id", &format!("{{\"x\":{}{},\"order_id", "[".repeat(levels), "]".repeat(levels)))
        };
        assert!(read(deep(127).as_bytes()).is_ok());
        assert!(matches!(read(deep(128).as_bytes()), Err(InvalidLine::TooDeep(_))));
        assert!(matches!(read(deep(1_000_000).as_bytes()), Err(InvalidLine::TooDeep(_))));
        assert!(matches!(read(b"{\"x\":\"\xff\"}"), Err(InvalidLine::NotUtf8 { at: 7 })));
    }

    #[test]
    fn an_error_is_short_whatever_the_line() {
        let text = error("\"quantity\":1", &format!("\"quantity\":\"{}\"", "x".repeat(1_000_000)));
        assert!(text.len() < 500 && text.contains("expected an integer"), "{}", text.len());
        let text = error("\"1.50\"", &format!("\"{}\"", "9".repeat(1_000_000)));
        assert!(text.len() < 500 && text.contains("too large"), "{text}");
    }
}
