//! Bytes become numbered lines.
//!
//! - A line ends with LF or CRLF; the last one needs neither. A byte order mark at the very start is passed over.
//! - Lines of nothing but white space are passed over, and counted in the numbering.
//! - A line is not interpreted: it may be no JSON and no UTF-8.
//! - At most [`LONGEST_LINE`] bytes of a line are held; what is longer is cut, and says how long it was. White space
//!   at the end of a line does not count.

use std::io::{self, BufRead, Read as _};

use bytes::Bytes;

/// Most bytes of a line that are kept: 16 MiB, what a message may carry, less room for what an event adds to an order.
pub const LONGEST_LINE: usize = 16 * 1024 * 1024 - 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line that is not blank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1, over all lines of the input.
    pub number: u64,
    /// Its bytes without the line break, at most [`LONGEST_LINE`].
    pub body: Bytes,
    /// Bytes that the line had in the input; more than `body` has where it was cut.
    pub bytes: u64,
}

impl Line {
    /// Whether bytes had to be left out.
    pub fn is_cut(&self) -> bool {
        self.bytes > self.body.len() as u64
    }
}

/// The lines of an input, one after the other.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    longest: usize,
    number: u64,
    position: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of this input.
    pub fn new(input: R) -> Self {
        Self::with_longest(input, LONGEST_LINE)
    }

    fn with_longest(input: R, longest: usize) -> Self {
        Self { input, longest, number: 0, position: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The input itself.
    pub(super) fn input(&self) -> &R {
        &self.input
    }

    /// The next line that is not blank; `None` at the end.
    ///
    /// # Errors
    /// The input can't be read.
    pub fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            let mut body = Vec::new();
            let limit = self.longest as u64;
            let taken = self.input.by_ref().take(limit).read_until(b'\n', &mut body)?;
            if taken == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.position += taken as u64;
            let rest = if body.ends_with(b"\n") { 0 } else { self.pass_over_rest()? };
            if self.number == 1 && body.starts_with(BYTE_ORDER_MARK) {
                body.drain(..BYTE_ORDER_MARK.len());
            }
            if rest == 0 {
                body.truncate(body.trim_ascii_end().len());
            }
            if !(rest == 0 && is_blank(&body)) {
                let bytes = body.len() as u64 + rest;
                return Ok(Some(Line { number: self.number, body: body.into(), bytes }));
            }
        }
    }

    /// Reads to the end of the line and keeps nothing; answers the bytes up to the last that is not white space.
    fn pass_over_rest(&mut self) -> io::Result<u64> {
        let (mut passed, mut telling) = (0u64, 0u64);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            if let Some(last) = part.iter().rposition(|byte| !byte.is_ascii_whitespace()) {
                telling = passed + last as u64 + 1;
            }
            passed += part.len() as u64;
            let used = part.len() + usize::from(end.is_some());
            let at_end = chunk.is_empty();
            self.input.consume(used);
            self.position += used as u64;
            if end.is_some() || at_end {
                return Ok(telling);
            }
        }
    }
}

/// Nothing but white space, Unicode's too.
fn is_blank(line: &[u8]) -> bool {
    line.trim_ascii().is_empty() || std::str::from_utf8(line).is_ok_and(|text| text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Lines::new(input);
        let mut all = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            assert!(!line.is_cut());
            all.push((line.number, String::from_utf8_lossy(&line.body).into_owned()));
        }
        assert_eq!(lines.position(), input.len() as u64);
        all
    }

    #[test]
    fn line_breaks_blanks_and_numbers() {
        let expected = vec![(1, "a".to_owned()), (3, " b".to_owned()), (6, "c".to_owned())];
        assert_eq!(lines(b"a\n\n b\n \t\r\n\r\nc"), expected);
        assert_eq!(lines(b"a\r\n\r\n b\r\n\r\n\r\nc\r\n"), expected);
        assert_eq!(lines(b""), []);
        assert_eq!(lines("\u{3000}\u{a0}\n".as_bytes()), []);
        assert_eq!(lines(b"a\rb\n"), [(1, "a\rb".to_owned())]);
    }

    #[test]
    fn a_byte_order_mark_is_passed_over_at_the_start_only() {
        assert_eq!(lines("\u{feff}a\n\u{feff}b".as_bytes()), [(1, "a".to_owned()), (2, "\u{feff}b".to_owned())]);
        assert_eq!(lines("\u{feff}\r\n\u{feff}".as_bytes()), [(2, "\u{feff}".to_owned())]);
    }

    #[test]
    fn long_lines_are_cut_and_say_so() {
        for buffer in [1, 3, 64] {
            let input = b"12345678\n1234567   \n1234567890\r\n          \nab\n            x";
            let mut lines = Lines::with_longest(io::BufReader::with_capacity(buffer, &input[..]), 8);
            let mut next = || lines.next_line().unwrap().map(|line| (line.number, line.body.len(), line.bytes));
            assert_eq!(next(), Some((1, 8, 8)), "exactly the limit");
            assert_eq!(next(), Some((2, 7, 7)), "white space at the end does not count");
            assert_eq!(next(), Some((3, 8, 10)));
            assert_eq!(next(), Some((5, 2, 2)), "a long blank line is blank");
            assert_eq!(next(), Some((6, 8, 13)), "as long as something follows, nothing is blank");
            assert_eq!(next(), None);
        }
    }
}
