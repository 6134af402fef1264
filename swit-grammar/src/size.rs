//! Sizes as they are written: bytes, or a number with a unit.

use crate::fault::Fault;

const HELP: &str = "write bytes as a whole number, or a number with a unit, such as \"512KiB\" or \"16MiB\"";
const UNITS: [(&str, u64); 7] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Reads a size in bytes.
///
/// # Errors
/// No number, an unknown unit, zero, or more than fits.
pub fn parse(text: &str) -> Result<usize, Fault> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let refuse = |why: String| Fault::new(why, HELP);
    let number: u64 = number.parse().map_err(|_| refuse(format!("`{text}` is not a size")))?;
    let unit = if unit.trim().is_empty() { "B" } else { unit.trim() };
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)) else {
        return Err(refuse(format!("`{text}` has the unknown unit `{unit}`")));
    };
    let bytes = number.checked_mul(*bytes).and_then(|bytes| usize::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| refuse(format!("`{text}` is not a size that can be held")))
}

/// Writes a size so that [`parse`] reads it back: in the largest binary unit that divides it.
pub fn format(bytes: usize) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes > 0 && bytes.trailing_zeros() >= shift {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_bytes_and_units() {
        for (text, bytes) in
            [("16MiB", 16 << 20), ("512 kib", 512 << 10), ("1000", 1000), ("1kB", 1000), ("2 GB", 2_000_000_000)]
        {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for bad in ["", "MiB", "-1", "1.5MiB", "1 furlong", "0", "99999999999GiB", "1MiBé"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (bytes, text) in [(1 << 20, "1MiB"), (1000, "1000"), (1536, "1536"), (3 << 10, "3KiB")] {
            assert_eq!(format(bytes), text);
            assert_eq!(parse(text), Ok(bytes));
        }
    }
}
