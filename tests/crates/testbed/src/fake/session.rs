//! One connection to a fake server.

use std::{
    collections::HashMap,
    io::{self, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpStream},
    sync::{Arc, Mutex},
};

use super::{
    At, Consumer, Declaring, Publish, Script, Seen, Settlement, Verdict, lock,
    wire::{Arguments, BODY, FRAME_MAX, Frame, HEADER, HEARTBEAT, METHOD, Method, capabilities, read_frame},
};

pub(crate) struct Session {
    stream: TcpStream,
    number: usize,
    seen: Arc<Mutex<Seen>>,
    script: Arc<Mutex<Script>>,
    channels: HashMap<u16, Channel>,
}

/// What is known of a channel.
#[derive(Default)]
struct Channel {
    /// The delivery tag of the last publish.
    published: u64,
    /// A publish whose header or body is still to come, and the size of its body.
    coming: Option<(Publish, usize)>,
}

impl Session {
    pub(super) fn new(stream: TcpStream, number: usize, seen: Arc<Mutex<Seen>>, script: Arc<Mutex<Script>>) -> Self {
        Self { stream, number, seen, script, channels: HashMap::new() }
    }

    /// Serves until the client or the fake hangs up.
    pub(crate) fn run(mut self) {
        let _ = self.serve();
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(self.stream.try_clone()?);
        reader.read_exact(&mut [0; 8])?;
        let server = capabilities(&[
            "publisher_confirms",
            "basic.nack",
            "consumer_cancel_notify",
            "connection.blocked",
            "exchange_exchange_bindings",
            "authentication_failure_close",
        ]);
        self.send(0, Method::new(10, 10).octet(0).octet(9).bytes(&server).bytes(b"PLAIN").bytes(b"en_US"))?;
        loop {
            let frame = read_frame(&mut reader)?;
            match frame.kind {
                METHOD => self.method(&frame)?,
                HEADER => self.header(&frame)?,
                BODY => self.body(&frame)?,
                HEARTBEAT => {}
                other => return Err(io::Error::other(format!("a frame of type {other}"))),
            }
        }
    }

    /// Writes under the lock that [`Fake::answer`](super::Fake::answer) takes as well, so that frames never mix.
    fn send(&self, channel: u16, method: Method) -> io::Result<()> {
        let _seen = lock(&self.seen);
        (&self.stream).write_all(&method.frame(channel))
    }

    fn at(&self, channel: u16) -> At {
        At { connection: self.number, channel }
    }

    fn method(&mut self, frame: &Frame) -> io::Result<()> {
        let mut arguments = Arguments::new(&frame.payload);
        let channel = frame.channel;
        let ok = |class, method| Method::new(class, method);
        match (arguments.short(), arguments.short()) {
            // connection: start-ok, open, close, close-ok
            (10, 11) => self.send(0, ok(10, 30).short(2_047).long(FRAME_MAX).short(0)),
            (10, 40) => self.send(0, ok(10, 41).octet(0)),
            (10, 50) => self.send(0, ok(10, 51)).and(Err(io::ErrorKind::ConnectionAborted.into())),
            (10, 51) => Err(io::ErrorKind::ConnectionAborted.into()),
            // channel: open, flow, close
            (20, 10) => {
                self.channels.insert(channel, Channel::default());
                self.send(channel, ok(20, 11).bytes(b""))
            }
            (20, 20) => self.send(channel, ok(20, 21).octet(arguments.octet())),
            (20, 40) => self.send(channel, ok(20, 41)),
            // connection.tune-ok and channel.close-ok end an exchange
            (10, 31) | (20, 41) => Ok(()),
            // exchange: declare, delete, bind, unbind
            (40, 10) => self.send(channel, ok(40, 11)),
            (40, 20) => self.send(channel, ok(40, 21)),
            (40, 30) => self.send(channel, ok(40, 31)),
            (40, 40) => self.send(channel, ok(40, 51)),
            // queue: declare, bind, purge, delete, unbind
            (50, 10) => {
                let (_, name) = (arguments.short(), arguments.text());
                let name = if name.is_empty() { format!("fake.{}.{channel}", self.number) } else { name };
                let declaring = {
                    let mut seen = lock(&self.seen);
                    seen.declarations += 1;
                    seen.declaring
                };
                match declaring {
                    Declaring::Granted => self.send(channel, ok(50, 11).text(&name).long(0).long(0)),
                    Declaring::Refused => {
                        self.send(channel, ok(20, 40).short(406).text("PRECONDITION_FAILED").short(50).short(10))
                    }
                    Declaring::Ignored => Ok(()),
                }
            }
            (50, 20) => self.send(channel, ok(50, 21)),
            (50, 30) => self.send(channel, ok(50, 31).long(0)),
            (50, 40) => self.send(channel, ok(50, 41).long(0)),
            (50, 50) => self.send(channel, ok(50, 51)),
            (60, number) => self.basic(channel, number, arguments),
            // confirm.select
            (85, 10) => self.send(channel, ok(85, 11)),
            // tx: select, commit, rollback
            (90, number) => self.send(channel, ok(90, number + 1)),
            (class, method) => Err(io::Error::other(format!("a method {class}.{method}"))),
        }
    }

    fn basic(&mut self, channel: u16, number: u16, mut arguments: Arguments<'_>) -> io::Result<()> {
        let at = self.at(channel);
        let ok = |method| Method::new(60, method);
        match number {
            // qos, consume, cancel, cancel-ok
            10 => self.send(channel, ok(11)),
            20 => {
                let (_, queue, tag) = (arguments.short(), arguments.text(), arguments.text());
                let tag = if tag.is_empty() { format!("fake.{}.{channel}", self.number) } else { tag };
                self.send(channel, ok(21).text(&tag))?;
                lock(&self.seen).consumers.push(Consumer { at, tag, queue });
                Ok(())
            }
            30 => {
                let tag = arguments.text();
                self.send(channel, ok(31).text(&tag))
            }
            31 => Ok(()),
            40 => {
                let (_, exchange, routing_key) = (arguments.short(), arguments.text(), arguments.text());
                let mandatory = arguments.octet() & 1 == 1;
                let known = self.channels.entry(channel).or_default();
                known.published += 1;
                let (tag, properties, body) = (known.published, Vec::new(), Vec::new());
                known.coming = Some((Publish { at, tag, exchange, routing_key, mandatory, properties, body }, 0));
                Ok(())
            }
            // ack, reject, nack
            80 | 90 | 120 => {
                let (tag, bits) = (arguments.long_long(), arguments.octet());
                let (verdict, multiple) = match number {
                    80 => (Verdict::Acked, bits & 1 == 1),
                    90 => (refused(bits & 1 == 1), false),
                    _ => (refused(bits & 2 == 2), bits & 1 == 1),
                };
                lock(&self.seen).settlements.push(Settlement { at, tag, verdict, multiple });
                Ok(())
            }
            // get, recover
            70 => self.send(channel, ok(72).text("")),
            110 => self.send(channel, ok(111)),
            other => Err(io::Error::other(format!("a method 60.{other}"))),
        }
    }

    fn header(&mut self, frame: &Frame) -> io::Result<()> {
        let mut arguments = Arguments::new(&frame.payload);
        let (_, _, size) = (arguments.short(), arguments.short(), arguments.long_long());
        if let Some((publish, expected)) = &mut self.channels.entry(frame.channel).or_default().coming {
            *expected = usize::try_from(size).unwrap_or(usize::MAX);
            publish.properties = arguments.rest().to_vec();
        }
        self.complete(frame.channel)
    }

    fn body(&mut self, frame: &Frame) -> io::Result<()> {
        if let Some((publish, _)) = &mut self.channels.entry(frame.channel).or_default().coming {
            publish.body.extend(&frame.payload);
        }
        self.complete(frame.channel)
    }

    /// Records a publish that is whole, and says what the script says of it.
    fn complete(&mut self, channel: u16) -> io::Result<()> {
        let known = self.channels.entry(channel).or_default();
        let Some((publish, _)) = known.coming.take_if(|(publish, size)| publish.body.len() >= *size) else {
            return Ok(());
        };
        lock(&self.seen).publishes.push(publish.clone());
        let answers = (lock(&self.script))(&publish);
        for answer in answers {
            answer.pause();
            let seen = lock(&self.seen);
            answer.send(&self.stream, publish.at, &seen.publishes)?;
        }
        Ok(())
    }
}

fn refused(requeue: bool) -> Verdict {
    if requeue { Verdict::Requeued } else { Verdict::Rejected }
}
