//! Durations as they are written: `"30s"`, `"1m30s"`, `"250ms"`.

use std::{fmt::Write as _, time::Duration};

use crate::{fault::Fault, limits::MAX_DURATION};

const HELP: &str = "write a number and a unit, such as \"250ms\", \"30s\", \"5m\", \"1h\" or \"1m30s\"";
const UNITS: [(&str, u64); 6] = [
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a duration: one or more of a whole number with a unit (`us`, `ms`, `s`, `m`, `h`, `d`), nothing between.
///
/// # Errors
/// An empty text, a number without a unit, an unknown unit, or more than thirty days.
pub fn parse(text: &str) -> Result<Duration, Fault> {
    let refuse = |why: String| Fault::new(why, HELP);
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(refuse("a duration is missing".into()));
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let number: u64 = number.parse().map_err(|_| refuse(format!("`{text}` is not a duration")))?;
        let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit.trim()) else {
            return Err(refuse(if unit.is_empty() {
                format!("`{text}` has no unit")
            } else {
                format!("`{text}` has the unknown unit `{}`", unit.trim())
            }));
        };
        let part = number.checked_mul(*nanos).map(Duration::from_nanos);
        total = part
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= MAX_DURATION)
            .ok_or_else(|| refuse(format!("`{text}` is longer than thirty days")))?;
        rest = tail;
    }
    Ok(total)
}

/// Reads a duration that must not be zero.
///
/// # Errors
/// As [`parse`], and for zero.
pub fn parse_positive(text: &str) -> Result<Duration, Fault> {
    let duration = parse(text)?;
    if duration.is_zero() { Err(Fault::new(format!("`{text}` is zero"), HELP)) } else { Ok(duration) }
}

/// Writes a duration so that [`parse`] reads it back, to the microsecond.
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_nanos() - duration.as_nanos() % 1_000;
    let mut text = String::new();
    for (unit, nanos) in UNITS.iter().rev() {
        let count = rest / u128::from(*nanos);
        rest %= u128::from(*nanos);
        if count > 0 {
            let _ = write!(text, "{count}{unit}");
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_people_write() {
        for (text, millis) in [("250ms", 250), ("30s", 30_000), ("1m30s", 90_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, why) in [
            ("", "missing"),
            ("30", "no unit"),
            ("5 fortnights", "unknown unit"),
            ("s", "not a duration"),
            ("-1s", "not a duration"),
            ("1.5s", "unknown unit"),
            ("31d", "thirty days"),
            ("99999999999999999999s", "not a duration"),
        ] {
            let fault = parse(text).expect_err(text);
            assert!(fault.message.contains(why), "{text}: {}", fault.message);
        }
        assert!(parse_positive("0ms").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(micros in 0u64..2_592_000_000_000) {
            let duration = Duration::from_micros(micros);
            prop_assert_eq!(parse(&format(duration)), Ok(duration));
        }
    }
}
