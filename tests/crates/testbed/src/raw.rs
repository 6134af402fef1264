//! A client that publishes properties byte by byte, for what no client library would write.
//!
//! ```no_run
//! use swit_testbed::{Broker, raw::{Raw, Table}};
//!
//! let broker = Broker::start();
//! let table = Table::new().entry(b"not UTF-8: \xFF", b'S', &[0, 0, 0, 1, b'x']);
//! assert!(Raw::connect(broker.port()).publish("", "a-queue", "an-id", &table, b"{}"));
//! ```

use std::{
    io::{self, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::fake::wire::{Arguments, BODY, FRAME_MAX, HEADER, METHOD, Method, frame, read_frame};

/// A connection of `guest` with one channel, in confirm mode.
#[derive(Debug)]
pub struct Raw {
    stream: BufReader<TcpStream>,
}

impl Raw {
    /// Connects to a broker on this machine.
    pub fn connect(port: u16) -> Self {
        Self::try_connect(port).expect("a broker lets `guest` in")
    }

    fn try_connect(port: u16) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut raw = Self { stream: BufReader::new(stream) };
        raw.write(b"AMQP\0\0\x09\x01")?;
        raw.wait_for(10, 10)?;
        raw.send(0, Method::new(10, 11).bytes(b"").text("PLAIN").bytes(b"\0guest\0guest").text("en_US"))?;
        raw.wait_for(10, 30)?;
        raw.send(0, Method::new(10, 31).short(2_047).long(FRAME_MAX).short(0))?;
        raw.send(0, Method::new(10, 40).text("/").text("").octet(0))?;
        raw.wait_for(10, 41)?;
        raw.send(1, Method::new(20, 10).text(""))?;
        raw.wait_for(20, 11)?;
        raw.send(1, Method::new(85, 10).octet(0))?;
        raw.wait_for(85, 11)?;
        Ok(raw)
    }

    /// Publishes a persistent message of JSON with these headers. Answers whether the broker confirmed it: one that finds
    /// the headers malformed closes the connection.
    pub fn publish(&mut self, exchange: &str, routing_key: &str, id: &str, headers: &Table, body: &[u8]) -> bool {
        self.try_publish(exchange, routing_key, id, headers, body).unwrap_or(false)
    }

    fn try_publish(&mut self, exchange: &str, key: &str, id: &str, headers: &Table, body: &[u8]) -> io::Result<bool> {
        self.send(1, Method::new(60, 40).short(0).text(exchange).text(key).octet(0))?;
        // Class 60, weight 0, the body's size, and which properties there are: content type, headers, delivery mode and id.
        let header = Method::new(60, 0)
            .long_long(body.len() as u64)
            .short(0x8000 | 0x2000 | 0x1000 | 0x0080)
            .text("application/json")
            .bytes(&headers.0)
            .octet(2)
            .text(id);
        self.write(&frame(HEADER, 1, &header.payload()))?;
        for piece in body.chunks(FRAME_MAX as usize - 8) {
            self.write(&frame(BODY, 1, piece))?;
        }
        self.wait_for(60, 80).map(|()| true)
    }

    fn send(&mut self, channel: u16, method: Method) -> io::Result<()> {
        self.write(&method.frame(channel))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads up to this method. Any other is an error, but those that need no answer.
    fn wait_for(&mut self, class: u16, method: u16) -> io::Result<()> {
        loop {
            let frame = read_frame(&mut self.stream.by_ref())?;
            let mut arguments = Arguments::new(&frame.payload);
            let found = (arguments.short(), arguments.short());
            match found {
                _ if frame.kind != METHOD => {}
                found if found == (class, method) => return Ok(()),
                (class, method) => return Err(io::Error::other(format!("a method {class}.{method}"))),
            }
        }
    }
}

/// A table of headers, as bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table(Vec<u8>);

impl Table {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry whose value is of this kind (`S` text, `F` table, `A` list …) and already encoded.
    ///
    /// # Panics
    /// A key of more than 255 bytes.
    pub fn entry(mut self, key: &[u8], kind: u8, value: &[u8]) -> Self {
        self.0.push(u8::try_from(key.len()).expect("a short key"));
        self.0.extend(key);
        self.0.push(kind);
        self.0.extend(value);
        self
    }

    /// Adds a text.
    pub fn text(self, key: &[u8], value: &[u8]) -> Self {
        self.entry(key, b'S', &sized(value))
    }

    /// Adds a table.
    pub fn table(self, key: &[u8], table: &Self) -> Self {
        self.entry(key, b'F', &sized(&table.0))
    }

    /// Adds lists in lists, so many levels deep.
    pub fn deep_lists(self, key: &[u8], levels: usize) -> Self {
        let mut value = Vec::new();
        for _ in 1..levels {
            let mut outer = vec![b'A'];
            outer.extend(sized(&value));
            value = outer;
        }
        self.entry(key, b'A', &sized(&value))
    }

    /// Adds tables in tables, so many levels deep.
    pub fn deep_tables(self, key: &[u8], levels: usize) -> Self {
        let innermost = (1..levels).fold(Self::new(), |inner, _| Self::new().table(b"t", &inner));
        self.table(key, &innermost)
    }

    /// Bytes that it takes up.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

fn sized(value: &[u8]) -> Vec<u8> {
    let size = u32::try_from(value.len()).expect("a value fits");
    [&size.to_be_bytes(), value].concat()
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn tables_are_as_deep_as_asked_for() {
        let one = Table::new().deep_tables(b"k", 1);
        assert_eq!(one, Table::new().table(b"k", &Table::new()));
        assert_eq!(Table::new().deep_tables(b"k", 3).size(), one.size() + 2 * 7);
        assert_eq!(Table::new().deep_lists(b"k", 3).size(), Table::new().deep_lists(b"k", 1).size() + 2 * 5);
    }
}
