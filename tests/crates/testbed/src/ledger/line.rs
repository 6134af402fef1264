//! The lines of a ledger: a verb and its words.

use std::fmt::{self, Write as _};

/// What is known of a message that was given up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DeadLetter {
    /// Why it was given up.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The queue or subscriber that gave it up.
    pub source: String,
    /// Whether its body is the one that was published, whole.
    pub whole: bool,
}

/// One line. Words have no spaces in them: those, and whatever else would break a line, are escaped as `%20`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Attempted(&'a str),
    Confirmed(&'a str),
    Returned(&'a str),
    Unknown(&'a str),
    Effect(&'a str),
    Dead(&'a str, DeadLetter),
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attempted(id) => write!(f, "attempted {}", escape(id)),
            Self::Confirmed(id) => write!(f, "confirmed {}", escape(id)),
            Self::Returned(id) => write!(f, "returned {}", escape(id)),
            Self::Unknown(id) => write!(f, "unknown {}", escape(id)),
            Self::Effect(id) => write!(f, "effect {}", escape(id)),
            Self::Dead(id, letter) => write!(
                f,
                "dead {} {} {} {} {}",
                escape(id),
                escape(&letter.reason),
                letter.attempts,
                escape(&letter.source),
                if letter.whole { "whole" } else { "damaged" }
            ),
        }
    }
}

/// A line that was read: its verb, its id, and what a dead letter says.
pub(crate) fn parse(line: &str) -> Option<(&str, String, Option<DeadLetter>)> {
    let words: Vec<&str> = line.split(' ').collect();
    match words[..] {
        [verb @ ("attempted" | "confirmed" | "returned" | "unknown" | "effect"), id] => {
            Some((verb, unescape(id)?, None))
        }
        [verb @ "dead", id, reason, attempts, source, body] => {
            let attempts = attempts.parse().ok()?;
            let letter =
                DeadLetter { reason: unescape(reason)?, attempts, source: unescape(source)?, whole: body == "whole" };
            Some((verb, unescape(id)?, Some(letter)))
        }
        _ => None,
    }
}

fn escape(word: &str) -> String {
    let mut escaped = String::with_capacity(word.len());
    for byte in word.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

fn unescape(word: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let (digits, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::{DeadLetter, Line, parse};

    #[test]
    fn a_line_reads_as_it_was_written() {
        let letter = DeadLetter { reason: "no % room\n".into(), attempts: 4, source: String::new(), whole: true };
        let line = Line::Dead("é 1", letter.clone()).to_string();
        assert_eq!(line, "dead %c3%a9%201 no%20%25%20room%0a 4  whole");
        assert_eq!(parse(&line), Some(("dead", "é 1".to_owned(), Some(letter))));
        assert_eq!(parse(&Line::Effect("7").to_string()), Some(("effect", "7".to_owned(), None)));
        for wrong in ["", "effect", "effect 1 2", "lost 1", "dead 1 r x s whole", "effect %2"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
