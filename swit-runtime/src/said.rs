//! What the log says of a message: who it is, where it was going, and which trace it belongs to.
//!
//! Guarantee: what comes from outside stands on one line, capped, with control characters escaped. Made for lines that tell
//! of a failure; nothing of it is worked out where such a line is not logged.

use std::fmt::{self, Write as _};

use crate::{headers::Headers, id::MessageId};

/// Most bytes of what a line shows of one text, as it stands there: an escaped character is longer than it was.
const MAX_SHOWN: usize = 255;
/// Stands for what was cut.
const CUT: char = '…';

/// Text as a line shows it.
pub(crate) struct Shown<'a>(pub(crate) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = end(self.0);
        for c in self.0[..end].chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
        }
        if end < self.0.len() { f.write_char(CUT) } else { Ok(()) }
    }
}

/// Where a text ends so that it fits, with the mark of what was cut if something has to be.
fn end(text: &str) -> usize {
    let (mut length, mut end) = (0, 0);
    for (at, c) in text.char_indices() {
        if length <= MAX_SHOWN - CUT.len_utf8() {
            end = at;
        }
        length += if c.is_control() { c.escape_default().len() } else { c.len_utf8() };
        if length > MAX_SHOWN {
            return end;
        }
    }
    text.len()
}

/// An id as a line shows it: a foreign one is any text.
pub(crate) struct ShownId<'a>(pub(crate) &'a MessageId);

impl fmt::Display for ShownId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(self.0.encode(&mut [0; 36])).fmt(f)
    }
}

/// The trace that a message belongs to: the trace id of its `traceparent` (W3C Trace Context, 2.2), where that is one.
pub(crate) fn trace_id(headers: &Headers) -> Option<&str> {
    let mut parts = headers.get_str("traceparent")?.trim().split('-');
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    // Later versions may have more parts; this one has none.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    (is_whole && is_known && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

/// A line about a message: `about!(warn, message, { attempt, … }, "text")`; of one that was delivered, with the trace that it is in
/// here: `about!(warn, message, trace = …, { attempt, … }, "text")`.
macro_rules! about {
    ($level:ident, $message:expr, { $($fields:tt)* }, $text:literal) => {
        $crate::said::about!(
            $level,
            $message,
            trace = $crate::said::trace_id(&$message.headers),
            { $($fields)* },
            $text
        )
    };
    ($level:ident, $message:expr, trace = $trace:expr, { $($fields:tt)* }, $text:literal) => {
        tracing::$level!(
            message_id = %$crate::said::ShownId(&$message.id),
            topic = %$crate::said::Shown(&$message.topic),
            trace_id = $trace,
            $($fields)*,
            $text
        )
    };
}
pub(crate) use about;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_that_of_a_valid_traceparent() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (written, found) in [
            (format!("00-{trace}-00f067aa0ba902b7-01"), true),
            (format!("cc-{trace}-00f067aa0ba902b7-01-more"), true),
            (format!("00-{trace}-00f067aa0ba902b7-01-more"), false),
            (format!("ff-{trace}-00f067aa0ba902b7-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", trace.to_uppercase()), false),
            (format!("00-{trace}-0000000000000000-01"), false),
            ("00-00000000000000000000000000000000-00f067aa0ba902b7-01".to_owned(), false),
            (format!("00-{}\n-00f067aa0ba902b7-01", &trace[1..]), false),
            (format!("00-{trace}"), false),
            (String::new(), false),
        ] {
            let mut headers = Headers::default();
            headers.insert("traceparent", written.as_str());
            assert_eq!(trace_id(&headers), found.then_some(trace), "{written}");
        }
        assert_eq!(trace_id(&Headers::default()), None);
    }

    #[test]
    fn what_comes_from_outside_stands_on_one_line() {
        assert_eq!(Shown("a\r\nb\u{1b}[31m\u{7}").to_string(), "a\\r\\nb\\u{1b}[31m\\u{7}");
        for (text, length) in [
            ("ß".repeat(1_000), 255),
            ("\u{7f}".repeat(1_000), 255),
            ("\n".repeat(127), 254),
            ("\n".repeat(128), 255),
            ("x".repeat(255), 255),
            ("x".repeat(256), 255),
            (format!("{}\u{7f}", "x".repeat(249)), 255),
            (format!("{}\u{7f}", "x".repeat(250)), 253),
        ] {
            let shown = Shown(&text).to_string();
            assert_eq!(shown.len(), length, "{shown}");
            let is_cut = text
                .chars()
                .map(|c| if c.is_control() { c.escape_default().len() } else { c.len_utf8() })
                .sum::<usize>()
                > 255;
            assert_eq!(shown.ends_with('…'), is_cut, "{shown}");
        }
        let id = MessageId::parse("7\nERROR all is lost").expect("an id");
        assert_eq!(ShownId(&id).to_string(), "7\\nERROR all is lost");
    }
}
