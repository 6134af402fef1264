//! AMQP 0-9-1 as bytes: frames, and the arguments of methods.
//!
//! Written by hand, so that it shares no mistake with the client under test, and can write what is wrong on purpose. See
//! the [specification](https://www.rabbitmq.com/resources/specs/amqp0-9-1.pdf), section 4.2.

use std::io::{self, Read};

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 8;
const END: u8 = 0xCE;

/// What a frame holds at most, its eight bytes of envelope included.
pub(crate) const FRAME_MAX: u32 = 131_072;

/// One frame, without its envelope.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: Vec<u8>,
}

/// Reads the next frame. A frame that is malformed is an error: clients are not expected to send one.
pub(crate) fn read_frame(from: &mut impl Read) -> io::Result<Frame> {
    let mut envelope = [0; 7];
    from.read_exact(&mut envelope)?;
    let [kind, c0, c1, s0, s1, s2, s3] = envelope;
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if size > FRAME_MAX {
        return Err(io::Error::other(format!("a frame of {size} bytes")));
    }
    let mut payload = vec![0; size as usize + 1];
    from.read_exact(&mut payload)?;
    match payload.pop() {
        Some(END) => Ok(Frame { kind, channel: u16::from_be_bytes([c0, c1]), payload }),
        _ => Err(io::Error::other("a frame without its end")),
    }
}

/// The bytes of a frame.
pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("a frame's payload fits");
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend(size.to_be_bytes());
    bytes.extend(payload);
    bytes.push(END);
    bytes
}

/// Writes a method: its class and number, then its arguments.
#[derive(Debug)]
pub(crate) struct Method(Vec<u8>);

impl Method {
    pub(crate) fn new(class: u16, method: u16) -> Self {
        Self(Vec::new()).short(class).short(method)
    }

    pub(crate) fn octet(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    pub(crate) fn short(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(crate) fn long_long(mut self, value: u64) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A short string, cut off at its 255 bytes.
    pub(crate) fn text(mut self, value: &str) -> Self {
        let bytes = &value.as_bytes()[..value.len().min(255)];
        self.0.push(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
        self.0.extend(bytes);
        self
    }

    /// A long string, or a table that is encoded already.
    pub(crate) fn bytes(self, value: &[u8]) -> Self {
        let mut method = self.long(u32::try_from(value.len()).expect("a value fits"));
        method.0.extend(value);
        method
    }

    /// What was written so far, without a frame around it.
    pub(crate) fn payload(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn frame(self, channel: u16) -> Vec<u8> {
        frame(METHOD, channel, &self.0)
    }
}

/// Reads a method's arguments, or a content header's. What is missing reads as zero: the client's own codec is not tested
/// here.
#[derive(Debug)]
pub(crate) struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(bytes.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// The next bytes, with zeros before them where they are too few.
    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[N - taken.len()..].copy_from_slice(taken);
        array
    }

    pub(crate) fn octet(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    pub(crate) fn short(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(crate) fn long_long(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }

    pub(crate) fn text(&mut self) -> String {
        let size = self.octet();
        String::from_utf8_lossy(self.take(usize::from(size))).into_owned()
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// A table of booleans, as a server's capabilities are.
pub(crate) fn capabilities(names: &[&str]) -> Vec<u8> {
    let mut inner = Vec::new();
    for name in names {
        inner.push(u8::try_from(name.len()).expect("a short name"));
        inner.extend(name.as_bytes());
        inner.extend([b't', 1]);
    }
    let mut table = vec![12];
    table.extend(b"capabilitiesF");
    table.extend(u32::try_from(inner.len()).expect("a short table").to_be_bytes());
    table.extend(inner);
    table
}

#[cfg(test)]
mod tests {
    use super::{Arguments, Method, read_frame};

    #[test]
    fn a_method_reads_as_it_was_written() {
        let bytes = Method::new(60, 40).short(7).text("exchange").octet(3).long_long(1 << 40).frame(9);
        let frame = read_frame(&mut &bytes[..]).unwrap();
        assert_eq!((frame.kind, frame.channel), (super::METHOD, 9));
        let mut arguments = Arguments::new(&frame.payload);
        assert_eq!((arguments.short(), arguments.short(), arguments.short()), (60, 40, 7));
        assert_eq!((arguments.text().as_str(), arguments.octet(), arguments.long_long()), ("exchange", 3, 1 << 40));
        assert!(arguments.rest().is_empty());
        assert!(read_frame(&mut &bytes[..bytes.len() - 1]).is_err());
    }
}
