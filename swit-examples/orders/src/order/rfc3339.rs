//! Points in time as RFC 3339 writes them, checked to the calendar.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::text::short;

/// When an order was placed: a valid RFC 3339 date and time, kept as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PlacedAt(String);

impl PlacedAt {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PlacedAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateTime;
        impl de::Visitor<'_> for DateTime {
            type Value = PlacedAt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a date and time of RFC 3339, like \"2026-03-01T12:00:00Z\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PlacedAt, E> {
                if is_date_time(text.as_bytes()) {
                    Ok(PlacedAt(text.to_owned()))
                } else {
                    Err(E::invalid_value(de::Unexpected::Str(&short(text)), &self))
                }
            }
        }
        deserializer.deserialize_str(DateTime)
    }
}

/// Whether it is a `date-time` of RFC 3339 section 5.6, on a day that exists.
fn is_date_time(text: &[u8]) -> bool {
    parse(text).is_some()
}

fn parse(text: &[u8]) -> Option<()> {
    let mut rest = text;
    let year = number(&mut rest, 4)?;
    literal(&mut rest, b"-")?;
    let month = number(&mut rest, 2)?;
    literal(&mut rest, b"-")?;
    let day = number(&mut rest, 2)?;
    literal(&mut rest, b"Tt")?;
    let hour = number(&mut rest, 2)?;
    literal(&mut rest, b":")?;
    let minute = number(&mut rest, 2)?;
    literal(&mut rest, b":")?;
    let second = number(&mut rest, 2)?;
    if literal(&mut rest, b".").is_some() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = rest.get(digits..).filter(|_| digits > 0)?;
    }
    let offset = offset(&mut rest)?;
    let date = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
    // A leap second stands at 23:59:60 UTC, whatever the local time says.
    let leap = (hour * 60 + minute - offset).rem_euclid(24 * 60) == 23 * 60 + 59;
    let time = hour <= 23 && minute <= 59 && (second <= 59 || (second == 60 && leap));
    (rest.is_empty() && date && time).then_some(())
}

/// Minutes that the local time is ahead of UTC.
fn offset(rest: &mut &[u8]) -> Option<i32> {
    let sign = literal(rest, b"Zz+-")?;
    if sign.eq_ignore_ascii_case(&b'Z') {
        return Some(0);
    }
    let hours = number(rest, 2).filter(|hours| *hours <= 23)?;
    literal(rest, b":")?;
    let minutes = number(rest, 2).filter(|minutes| *minutes <= 59)?;
    Some((hours * 60 + minutes) * if sign == b'-' { -1 } else { 1 })
}

fn number(rest: &mut &[u8], digits: usize) -> Option<i32> {
    let (head, tail) = rest.split_at_checked(digits)?;
    *rest = tail;
    head.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0')))
}

fn literal(rest: &mut &[u8], any_of: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    any_of.contains(first).then(|| {
        *rest = tail;
        *first
    })
}

fn days(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_of_the_rfc() {
        for text in [
            "1985-04-12T23:20:50.52Z",
            "1996-12-19T16:39:57-08:00",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
            "1937-01-01T12:00:27.87+00:20",
            "2024-02-29t00:00:00z",
            "2000-02-29T00:00:00-00:00",
            "0000-01-01T00:00:00.123456789012345678901234567890Z",
        ] {
            assert!(is_date_time(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn everything_else() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00Z ",
            " 2024-01-01T00:00:00Z",
            "24-01-01T00:00:00Z",
            "2024-1-1T00:00:00Z",
            "٢٠٢٤-01-01T00:00:00Z",
            "+2024-01-01T00:00:00Z",
            "1709251200",
        ] {
            assert!(!is_date_time(text.as_bytes()), "{text}");
        }
    }
}
