//! A dead letter, for people and for programs. What it holds is anybody's: it is capped, and nothing in it reaches a
//! terminal as it is.

use std::fmt::Write as _;

use crate::{app::dead_letters::Letter, outcome::cap, pipeline::rfc3339};

/// Most bytes of a payload that people are shown.
const PREVIEW: usize = 200;
/// Most bytes of a payload that programs are shown.
#[cfg(feature = "json")]
const EXCERPT: usize = 4 * 1024;
/// From how many looks on somebody is told that they count.
const MANY: u32 = 10;

/// A dead letter on some lines.
pub(super) fn text(letter: &Letter) -> String {
    let mut out = visible(&letter.message.id.to_string());
    let _ = write!(out, "  {}", visible(&letter.reason));
    if let Some(attempts) = letter.attempts {
        let _ = write!(out, ", {attempts} attempts");
    }
    if let Some(time) = letter.time {
        let _ = write!(out, ", {}", rfc3339(time));
    }
    out.push('\n');
    let mut line = |name: &str, value: &str| {
        // Writing to a `String` can't fail.
        let _ = writeln!(out, "  {name:<8} {}", visible(value));
    };
    line("topic", &letter.topic);
    line("queue", letter.queue.as_deref().unwrap_or("unknown"));
    if let Some(error) = &letter.error {
        line("error", error);
    }
    line("payload", &payload(letter, PREVIEW));
    if letter.handed_out >= MANY {
        let counted = format!(
            "handed out {} times, which counts where the queue has a delivery limit (RabbitMQ 4 sets one of 20)",
            letter.handed_out
        );
        line("note", &counted);
    }
    out
}

/// A dead letter as a JSON object on one line.
#[cfg(feature = "json")]
pub(super) fn json(letter: &Letter) -> String {
    let message = &letter.message;
    let object = serde_json::json!({
        "id": message.id.to_string(),
        "reason": letter.reason.as_str(),
        "error": letter.error.as_deref(),
        "attempts": letter.attempts,
        "time": letter.time.map(rfc3339),
        "topic": letter.topic.as_str(),
        "queue": letter.queue.as_deref(),
        "key": message.key.as_deref(),
        "event_type": message.event_type.as_deref(),
        "content_type": message.content_type.as_deref(),
        "handed_out": letter.handed_out,
        "payload_bytes": message.payload.len(),
        "payload": payload(letter, EXCERPT),
    });
    format!("{object}\n")
}

#[cfg(not(feature = "json"))]
pub(super) fn json(letter: &Letter) -> String {
    text(letter)
}

/// The payload as text, bytes that are none escaped, at most `bytes` bytes of it.
fn payload(letter: &Letter, bytes: usize) -> String {
    let payload = &letter.message.payload;
    match str::from_utf8(payload) {
        Ok(text) => cap(text, bytes).into_owned(),
        // As many bytes as fit even if each takes four characters.
        Err(_) => cap(&payload[..payload.len().min(bytes)].escape_ascii().to_string(), bytes).into_owned(),
    }
}

/// Text of which a terminal shows every character as it stands: no controls, nothing that turns what follows around.
pub(super) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if is_hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{id::MessageId, message::Message};

    #[test]
    fn what_anybody_wrote_does_nothing_to_a_terminal() {
        let message = Message::new("order.created", "{\"a\":\"\u{1b}[2J\u{202e}x\"}\n")
            .with_id(MessageId::parse("id\r1").unwrap())
            .with_header("x-dead-letter-reason", "perm\u{7}")
            .with_header("x-dead-letter-error", "no\nway")
            .with_header("x-dead-letter-attempts", 4)
            .with_header("x-dead-letter-queue", "orders.confirm")
            .with_header("x-dead-letter-time", "2030-01-01T00:00:00Z");
        let letter = Letter::read(message, None, 12);
        assert_eq!(
            text(&letter),
            "id\\r1  perm\\u{7}, 4 attempts, 2030-01-01T00:00:00.000Z
  topic    order.created
  queue    orders.confirm
  error    no\\nway
  payload  {\"a\":\"\\u{1b}[2J\\u{202e}x\"}\\n
  note     handed out 12 times, which counts where the queue has a delivery limit (RabbitMQ 4 sets one of 20)
"
        );
    }

    #[test]
    fn payloads_are_capped_whatever_they_are() {
        for payload in [vec![b'x'; 10_000], vec![0xff; 10_000], "ß".repeat(5_000).into_bytes()] {
            let letter = Letter::read(Message::new("t", payload), None, 0);
            assert!(text(&letter).len() < 400, "{}", text(&letter));
            #[cfg(feature = "json")]
            assert!(json(&letter).len() < 9_000 && json(&letter).contains("\"payload_bytes\":10000"));
        }
    }
}
