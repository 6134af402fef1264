//! Topics and patterns: dotted words, `*` for one word, `#` for any number of words.
//!
//! These are the routing keys and binding keys of an AMQP 0-9-1 topic exchange (specification 3.1.3.3), so that the
//! memory transport and RabbitMQ route alike. [`matches()`] is `const`: the macros' topic contract is checked with it
//! while the user's crate compiles.

use crate::{fault::Fault, limits::MAX_TOPIC};

/// Checks a topic that events are published to: no empty word, no wildcard, at most 255 bytes.
///
/// # Errors
/// Names the word that is wrong.
pub fn check_topic(topic: &str) -> Result<(), Fault> {
    check(topic, false)
}

/// Checks a pattern that is subscribed to: as a topic, but a whole word may be `*` or `#`.
///
/// # Errors
/// Names the word that is wrong.
pub fn check_pattern(pattern: &str) -> Result<(), Fault> {
    check(pattern, true)
}

fn check(text: &str, wildcards: bool) -> Result<(), Fault> {
    if is_plain(text) { Ok(()) } else { look_closer(text, wildcards) }
}

/// What a byte is in a topic of the usual kind: 1 in a word, 2 the dot between words, 0 anything else.
const KIND: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        kinds[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => 1,
            b'.' => 2,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Whether a topic is of the usual kind: words of ASCII letters, digits, `-` and `_`. One pass with a table, since every
/// publication is checked.
fn is_plain(text: &str) -> bool {
    // A dot must follow a word: what stands before the first counts as a dot.
    let mut before = 2;
    for byte in text.bytes() {
        let kind = KIND[usize::from(byte)];
        if kind == 0 || (kind & before) == 2 {
            return false;
        }
        before = kind;
    }
    before == 1 && text.len() <= MAX_TOPIC
}

fn look_closer(text: &str, wildcards: bool) -> Result<(), Fault> {
    let help = if wildcards {
        "write dotted words such as \"order.created\", with `*` for one word and `#` for any number"
    } else {
        "write dotted words such as \"order.created\""
    };
    if text.is_empty() {
        return Err(Fault::new("the topic is empty", help));
    }
    if text.len() > MAX_TOPIC {
        return Err(Fault::new(format!("the topic has {} bytes", text.len()), "use at most 255 bytes"));
    }
    for word in text.split('.') {
        if word.is_empty() {
            return Err(Fault::new(format!("the topic \"{text}\" has an empty word"), help));
        }
        if word.contains(['*', '#']) && (!wildcards || word.len() > 1) {
            let why = if wildcards {
                format!("the word `{word}` of \"{text}\" mixes a wildcard with letters")
            } else {
                format!("the topic \"{text}\" holds a wildcard")
            };
            return Err(Fault::new(why, help));
        }
        if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Fault::new(
                format!("the topic \"{}\" holds white space or a control character", text.escape_debug()),
                help,
            ));
        }
    }
    Ok(())
}

/// Whether a pattern holds a wildcard.
pub const fn is_pattern(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'*' || bytes[i] == b'#' {
            return true;
        }
        i += 1;
    }
    false
}

/// Whether `pattern` takes `topic`. Both are taken to be well formed.
///
/// Linear in the topic for each `#` of the pattern: it remembers only the last `#`, as glob matchers do, so that a
/// hostile topic can't make it slow.
pub const fn matches(pattern: &str, topic: &str) -> bool {
    let (p, t) = (pattern.as_bytes(), topic.as_bytes());
    // Positions are starts of words; a position past the end means that no word is left.
    let (mut i, mut j) = (0, 0);
    let (mut hash, mut retry) = (usize::MAX, 0);
    while j <= t.len() {
        if i <= p.len() {
            let end = word_end(p, i);
            if end == i + 1 && p[i] == b'#' {
                hash = end + 1;
                retry = j;
                i = hash;
                continue;
            }
            let stop = word_end(t, j);
            if (end == i + 1 && p[i] == b'*') || same(p, i, end, t, j, stop) {
                i = end + 1;
                j = stop + 1;
                continue;
            }
        }
        if hash == usize::MAX {
            return false;
        }
        // Let the last `#` take one word more.
        retry = word_end(t, retry) + 1;
        i = hash;
        j = retry;
    }
    // The topic is used up: what is left of the pattern may only be `#`.
    while i <= p.len() {
        let end = word_end(p, i);
        if !(end == i + 1 && p[i] == b'#') {
            return false;
        }
        i = end + 1;
    }
    true
}

const fn word_end(text: &[u8], start: usize) -> usize {
    let mut end = start;
    while end < text.len() && text[end] != b'.' {
        end += 1;
    }
    end
}

const fn same(a: &[u8], mut i: usize, a_end: usize, b: &[u8], mut j: usize, b_end: usize) -> bool {
    if a_end - i != b_end - j {
        return false;
    }
    while i < a_end {
        if a[i] != b[j] {
            return false;
        }
        i += 1;
        j += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The textbook recursion, slow and plainly right.
    fn model(pattern: &[&str], topic: &[&str]) -> bool {
        match pattern.split_first() {
            None => topic.is_empty(),
            Some((&"#", rest)) => (0..=topic.len()).any(|n| model(rest, &topic[n..])),
            Some((&word, rest)) => {
                topic.split_first().is_some_and(|(first, tail)| (word == "*" || word == *first) && model(rest, tail))
            }
        }
    }

    #[test]
    fn takes_what_amqp_takes() {
        for (pattern, topic, expected) in [
            ("order.created", "order.created", true),
            ("order.*", "order.created", true),
            ("order.*", "order", false),
            ("order.*", "order.created.v2", false),
            ("order.#", "order", true),
            ("order.#", "order.created.v2", true),
            ("#", "anything.at.all", true),
            ("#.created", "created", true),
            ("*.created", "created", false),
            ("#.a.#.b", "x.a.y.a.b", true),
            ("order", "orders", false),
        ] {
            assert_eq!(matches(pattern, topic), expected, "{pattern} ~ {topic}");
        }
    }

    #[test]
    fn checks_words() {
        assert!(check_topic("order.created").is_ok());
        assert!(check_pattern("order.*.#").is_ok());
        for bad in ["", "a..b", ".a", "a.", "a.*", "a b", "#"] {
            assert!(check_topic(bad).is_err(), "{bad}");
        }
        for bad in ["", "a..b", "a.b*", "##", &"x".repeat(256)] {
            assert!(check_pattern(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_short_way_is_never_more_lenient(text in "[a.#* é]{0,6}") {
            prop_assert!(!is_plain(&text) || look_closer(&text, false).is_ok());
        }

        #[test]
        fn agrees_with_the_recursion(
            pattern in prop::collection::vec(prop::sample::select(vec!["a", "b", "*", "#"]), 1..7),
            topic in prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..8),
        ) {
            prop_assert_eq!(matches(&pattern.join("."), &topic.join(".")), model(&pattern, &topic));
        }
    }
}
