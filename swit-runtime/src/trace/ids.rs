//! The ids of a trace and of a span, as [W3C trace context](https://www.w3.org/TR/trace-context/) writes them.

use std::fmt;

use crate::text::Text;

/// Which trace, and which span in it, and whether it is recorded.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    trace: [u8; 16],
    span: [u8; 8],
    flags: u8,
}

/// Bytes of `00-<trace>-<span>-<flags>`.
const LENGTH: usize = 55;
const SAMPLED: u8 = 1;

impl Ids {
    /// These, if neither is zero, which stands for none.
    pub(crate) fn new(trace: [u8; 16], span: [u8; 8], sampled: bool) -> Option<Self> {
        (trace != [0; 16] && span != [0; 8]).then_some(Self { trace, span, flags: u8::from(sampled) })
    }

    /// Some ids, where none can be had: those that a random source is never seen to give.
    #[cfg_attr(not(feature = "traces"), expect(dead_code, reason = "nobody traces"))]
    pub(crate) const SOME: Self = Self { trace: [1; 16], span: [1; 8], flags: 0 };

    /// The same, not recorded.
    #[cfg_attr(not(feature = "traces"), expect(dead_code, reason = "nobody traces"))]
    pub(crate) fn unsampled(self) -> Self {
        Self { flags: 0, ..self }
    }

    /// Those of a `traceparent`. `None`: it is none. Later versions are read as far as this one goes.
    pub fn parse(header: &str) -> Option<Self> {
        let bytes = header.as_bytes();
        if bytes.len() < LENGTH || bytes[2] != b'-' || bytes[35] != b'-' || bytes[52] != b'-' {
            return None;
        }
        let [version] = hex(&bytes[..2])?;
        let fits = match version {
            0 => bytes.len() == LENGTH,
            0xff => false,
            _ => bytes.len() == LENGTH || bytes[LENGTH] == b'-',
        };
        let [flags] = hex(&bytes[53..LENGTH])?;
        let (trace, span) = (hex(&bytes[3..35])?, hex(&bytes[36..52])?);
        if fits { Self::new(trace, span, flags & SAMPLED != 0) } else { None }
    }

    /// As a `traceparent`.
    pub fn traceparent(&self) -> Text {
        let mut bytes = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write(&self.trace, &mut bytes[3..35]);
        write(&self.span, &mut bytes[36..52]);
        bytes[54] += self.flags & SAMPLED;
        // ASCII.
        std::str::from_utf8(&bytes).map(Text::from).unwrap_or_default()
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace's id, as it is shown.
    pub fn trace_id(&self) -> impl fmt::Display + use<> {
        Hex(self.trace)
    }

    /// The span's id, as it is shown.
    pub fn span_id(&self) -> impl fmt::Display + use<> {
        Hex(self.span)
    }

    pub(crate) fn trace_bytes(&self) -> [u8; 16] {
        self.trace
    }

    pub(crate) fn span_bytes(&self) -> [u8; 8] {
        self.span
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.traceparent())
    }
}

struct Hex<const N: usize>([u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Lower case alone is valid.
#[inline]
fn hex<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    // Bit 7 set: something was no digit.
    let mut wrong = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let (high, low) = (DIGITS[usize::from(pair[0])], DIGITS[usize::from(pair[1])]);
        wrong |= high | low;
        *byte = high << 4 | (low & 15);
    }
    (wrong & 0x80 == 0).then_some(bytes)
}

fn write(bytes: &[u8], text: &mut [u8]) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(text.chunks_exact_mut(2)) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
}

/// The value of a digit; 255 for what is none.
const DIGITS: [u8; 256] = {
    let mut digits = [255; 256];
    let (mut value, mut rest) = (0, b"0123456789abcdef".as_slice());
    while let [digit, others @ ..] = rest {
        digits[*digit as usize] = value;
        value += 1;
        rest = others;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn what_is_read_is_written() {
        for text in [VALID, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"] {
            assert_eq!(Ids::parse(text).map(|ids| ids.traceparent()).as_deref(), Some(text));
        }
        let ids = Ids::parse(VALID).unwrap();
        assert!(ids.is_sampled());
        assert_eq!(ids.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(ids.span_id().to_string(), "00f067aa0ba902b7");
    }

    #[test]
    fn later_versions_are_read_as_far_as_this_one_goes() {
        for (text, valid) in [
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future", true),
            ("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what", false),
            ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false),
            ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false),
        ] {
            assert_eq!(Ids::parse(text).is_some(), valid, "{text}");
        }
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
            "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
            "é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é0é",
        ] {
            assert_eq!(Ids::parse(text), None, "{text}");
        }
    }
}
