//! The dead-letter file: one JSON object a line, the whole message with its headers.
//!
//! ```json
//! {"line":7,"id":"…","topic":"order.line","correlation_id":"…","timestamp_ms":1767225600000,
//!  "headers":{"x-dead-letter-reason":"invalid_input","x-line":7},"payload_encoding":"utf-8","payload":"{}"}
//! ```
//!
//! A payload that is no UTF-8 is written in base64 (RFC 4648), and `payload_encoding` says so.

mod base64;

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::Path,
    sync::{Mutex, PoisonError},
    time::UNIX_EPOCH,
};

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use swit::{HeaderValue, Headers, Message};

/// Where dead letters are written, if anywhere.
#[derive(Debug)]
pub struct DeadLetterFile(Mutex<Open>);

#[derive(Debug)]
struct Open {
    file: Option<BufWriter<File>>,
    failure: Option<io::Error>,
}

impl DeadLetterFile {
    /// Writes to this file, which is made anew; to none without a path.
    ///
    /// # Errors
    /// The file can't be made.
    pub fn create(path: Option<&Path>) -> io::Result<Self> {
        let file = path.map(File::create).transpose()?.map(|file| BufWriter::with_capacity(64 * 1024, file));
        Ok(Self(Mutex::new(Open { file, failure: None })))
    }

    /// Writes a dead letter; does nothing without a file.
    ///
    /// # Errors
    /// It could not be written. [`finish`](Self::finish) says so again.
    pub fn write(&self, line: Option<u64>, message: &Message) -> io::Result<()> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Open { file: Some(file), failure } = &mut *open else { return Ok(()) };
        let written = serde_json::to_writer(&mut *file, &Letter::of(line, message))
            .map_err(io::Error::from)
            .and_then(|()| file.write_all(b"\n"));
        written.inspect_err(|error| {
            failure.get_or_insert_with(|| io::Error::new(error.kind(), error.to_string()));
        })
    }

    /// Brings everything to the disk.
    ///
    /// # Errors
    /// The first letter that could not be written, or the rest could not.
    pub fn finish(&self) -> io::Result<()> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = open.file.as_mut().map_or(Ok(()), BufWriter::flush);
        open.failure.take().map_or(flushed, Err)
    }
}

/// A dead letter as it is written.
#[derive(Serialize)]
struct Letter<'a> {
    line: Option<u64>,
    id: String,
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'a str>,
    timestamp_ms: Option<u64>,
    headers: Written<'a>,
    payload_encoding: &'static str,
    payload: Body<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Text(&'a str),
    Base64(String),
}

impl<'a> Letter<'a> {
    fn of(line: Option<u64>, message: &'a Message) -> Self {
        let (payload_encoding, payload) = match std::str::from_utf8(&message.payload) {
            Ok(text) => ("utf-8", Body::Text(text)),
            Err(_) => ("base64", Body::Base64(base64::encode(&message.payload))),
        };
        let since = message.timestamp.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        Self {
            line,
            id: message.id.to_string(),
            topic: &message.topic,
            key: message.key.as_deref(),
            correlation_id: message.correlation_id.as_deref(),
            causation_id: message.causation_id.as_ref().map(ToString::to_string),
            event_type: message.event_type.as_deref(),
            content_type: message.content_type.as_deref(),
            timestamp_ms: since.and_then(|since| u64::try_from(since.as_millis()).ok()),
            headers: Written(&message.headers),
            payload_encoding,
            payload,
        }
    }
}

/// Headers as a JSON object, each value in the kind that it has.
struct Written<'a>(&'a Headers);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0.iter() {
            match value {
                HeaderValue::Integer(number) => map.serialize_entry(name, number)?,
                HeaderValue::Float(number) => map.serialize_entry(name, number)?,
                HeaderValue::Bool(value) => map.serialize_entry(name, value)?,
                HeaderValue::Bytes(bytes) => map.serialize_entry(name, &base64::encode(bytes))?,
                other => map.serialize_entry(name, &other.to_string())?,
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_headers_and_payload() {
        let path = std::env::temp_dir().join(format!("swit-dead-letters-{}", std::process::id()));
        let file = DeadLetterFile::create(Some(&path)).unwrap();
        let message = Message::new("order.line", "{\"a\":\"ß\n\"}").with_header("x-line", 7).with_header("x-why", "no");
        file.write(Some(7), &message).unwrap();
        file.write(None, &Message::new("order.line", &b"\xff\xfe"[..])).unwrap();
        file.finish().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let letters: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(letters[0]["payload"], "{\"a\":\"ß\n\"}");
        assert_eq!((&letters[0]["headers"]["x-line"], &letters[0]["line"]), (&7.into(), &7.into()));
        assert_eq!((&letters[1]["payload"], &letters[1]["payload_encoding"]), (&"//4=".into(), &"base64".into()));
    }
}
