//! Sizes as they are written: bytes, or a number with a unit.

use swit_grammar::Fault;

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
pub(super) fn parse(text: &str) -> Result<usize, Fault> {
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
}
