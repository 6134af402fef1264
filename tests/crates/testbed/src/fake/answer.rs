//! What a fake server says.

use std::{
    io::{self, Write as _},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use super::{
    At, Publish,
    wire::{BODY, FRAME_MAX, HEADER, Method, frame},
};

/// Something that a fake server sends, or does, on the channel of a publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `basic.ack` of a delivery tag, whichever.
    Ack {
        /// The delivery tag.
        tag: u64,
        /// Whether all earlier tags are meant as well.
        multiple: bool,
    },
    /// `basic.nack` of a delivery tag, whichever.
    Nack {
        /// The delivery tag.
        tag: u64,
        /// Whether all earlier tags are meant as well.
        multiple: bool,
    },
    /// `basic.return` of the message that was published on this channel with this tag, as it came. An unroutable message
    /// is returned before it is acked.
    Return {
        /// The message's delivery tag.
        tag: u64,
        /// The reply code: 312 says that there is no route.
        code: u16,
        /// The reply text.
        text: String,
    },
    /// `basic.deliver` to a consumer.
    Deliver {
        /// The consumer's tag.
        consumer: String,
        /// The delivery tag.
        tag: u64,
        /// Whether it may have been delivered before.
        redelivered: bool,
        /// The exchange that it is said to come from.
        exchange: String,
        /// The routing key.
        routing_key: String,
        /// The content header's flags and properties; two zero bytes say that there are none.
        properties: Vec<u8>,
        /// The body.
        body: Vec<u8>,
    },
    /// `basic.cancel` of a consumer, as when its queue is deleted.
    Cancel {
        /// The consumer's tag.
        consumer: String,
    },
    /// `channel.close`.
    CloseChannel {
        /// The reply code, such as 406 for a failed precondition.
        code: u16,
        /// The reply text.
        text: String,
    },
    /// `connection.close`.
    CloseConnection {
        /// The reply code, such as 320 for a connection that was closed by force.
        code: u16,
        /// The reply text.
        text: String,
    },
    /// `connection.blocked`.
    Block {
        /// The reason.
        reason: String,
    },
    /// `connection.unblocked`.
    Unblock,
    /// Bytes as they are, such as a malformed frame.
    Bytes(Vec<u8>),
    /// Nothing for so long; what comes after it waits, and so does the rest of the connection.
    Pause(Duration),
    /// The end of the connection, without a word.
    HangUp,
}

impl Answer {
    /// An ack of one tag.
    pub fn ack(tag: u64) -> Self {
        Self::Ack { tag, multiple: false }
    }

    /// An ack of a tag and all earlier ones.
    pub fn ack_up_to(tag: u64) -> Self {
        Self::Ack { tag, multiple: true }
    }

    /// A nack of one tag.
    pub fn nack(tag: u64) -> Self {
        Self::Nack { tag, multiple: false }
    }

    /// The return of an unroutable message.
    pub fn unroutable(tag: u64) -> Self {
        Self::Return { tag, code: 312, text: "NO_ROUTE".to_owned() }
    }

    /// A first delivery without properties.
    pub fn deliver(consumer: &str, tag: u64, body: &[u8]) -> Self {
        Self::Deliver {
            consumer: consumer.to_owned(),
            tag,
            redelivered: false,
            exchange: String::new(),
            routing_key: String::new(),
            properties: vec![0, 0],
            body: body.to_vec(),
        }
    }

    /// A frame that no client can read: its last byte is not the end of a frame.
    pub fn malformed() -> Self {
        let mut bytes = Method::new(60, 80).long_long(1).octet(0).frame(1);
        if let Some(last) = bytes.last_mut() {
            *last = 0;
        }
        Self::Bytes(bytes)
    }

    /// Sleeps where that is the answer. Nothing may be locked, for others go on meanwhile.
    pub(super) fn pause(&self) {
        if let Self::Pause(pause) = self {
            thread::sleep(*pause);
        }
    }

    pub(super) fn send(&self, mut stream: &TcpStream, at: At, publishes: &[Publish]) -> io::Result<()> {
        match self {
            Self::HangUp => stream.shutdown(Shutdown::Both),
            answer => stream.write_all(&answer.encode(at, publishes)),
        }
    }

    fn encode(&self, at: At, publishes: &[Publish]) -> Vec<u8> {
        match self {
            Self::Ack { tag, multiple } => {
                Method::new(60, 80).long_long(*tag).octet(u8::from(*multiple)).frame(at.channel)
            }
            Self::Nack { tag, multiple } => {
                Method::new(60, 120).long_long(*tag).octet(u8::from(*multiple)).frame(at.channel)
            }
            Self::Return { tag, code, text } => {
                let publish = publishes.iter().find(|publish| publish.at == at && publish.tag == *tag);
                let publish = publish.expect("a message is returned after it was published");
                let method = Method::new(60, 50).short(*code).text(text);
                let method = method.text(&publish.exchange).text(&publish.routing_key);
                content(method, at.channel, &publish.properties, &publish.body)
            }
            Self::Deliver { consumer, tag, redelivered, exchange, routing_key, properties, body } => {
                let method = Method::new(60, 60).text(consumer).long_long(*tag).octet(u8::from(*redelivered));
                content(method.text(exchange).text(routing_key), at.channel, properties, body)
            }
            Self::Cancel { consumer } => Method::new(60, 30).text(consumer).octet(1).frame(at.channel),
            Self::CloseChannel { code, text } => {
                Method::new(20, 40).short(*code).text(text).short(0).short(0).frame(at.channel)
            }
            Self::CloseConnection { code, text } => {
                Method::new(10, 50).short(*code).text(text).short(0).short(0).frame(0)
            }
            Self::Block { reason } => Method::new(10, 60).text(reason).frame(0),
            Self::Unblock => Method::new(10, 61).frame(0),
            Self::Bytes(bytes) => bytes.clone(),
            Self::Pause(_) | Self::HangUp => Vec::new(),
        }
    }
}

/// A method with a message: its header and its body in as many frames as it takes.
fn content(method: Method, channel: u16, properties: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = method.frame(channel);
    let mut header = Vec::new();
    header.extend(60_u16.to_be_bytes());
    header.extend(0_u16.to_be_bytes());
    header.extend((body.len() as u64).to_be_bytes());
    header.extend(properties);
    bytes.extend(frame(HEADER, channel, &header));
    for piece in body.chunks(FRAME_MAX as usize - 8) {
        bytes.extend(frame(BODY, channel, piece));
    }
    bytes
}
