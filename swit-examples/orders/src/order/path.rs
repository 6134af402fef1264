//! Where in a JSON text a byte stands, as a path: `items[3].unit_price`.
//!
//! The reader knows the column of an error; a person wants the field. Only failed lines come here.

/// Most steps and most bytes a key that a path shows: the text is somebody else's.
const MOST_STEPS: usize = 8;
const MOST_KEY_BYTES: usize = 40;

enum Step {
    /// Inside an object, at the value of this key; no key yet.
    Key(Option<(usize, usize)>),
    /// Inside an array, at this element.
    Index(usize),
}

/// The path of the value that the first `end` bytes of `json` lead to; empty for the text's own top.
pub(super) fn path_at(json: &[u8], end: usize) -> String {
    let mut steps: Vec<Step> = Vec::new();
    // Whether the next string is a key.
    let mut at_key = false;
    let mut at = 0;
    let end = end.min(json.len());
    while at < end {
        match json[at] {
            b'"' => {
                let close = string_end(json, at);
                if at_key && let Some(Step::Key(key)) = steps.last_mut() {
                    *key = Some((at + 1, close));
                    at_key = false;
                }
                at = close;
            }
            b'{' => {
                steps.push(Step::Key(None));
                at_key = true;
            }
            b'[' => steps.push(Step::Index(0)),
            b'}' | b']' => {
                steps.pop();
                at_key = false;
            }
            // Where the text ends here, the value before the comma is meant.
            b',' if at + 1 < end => match steps.last_mut() {
                Some(Step::Index(index)) => *index += 1,
                Some(Step::Key(_)) => at_key = true,
                None => {}
            },
            _ => {}
        }
        at += 1;
    }
    written(json, &steps)
}

/// The closing quote of the string that opens at `open`, or the text's end.
fn string_end(json: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    while at < json.len() && json[at] != b'"' {
        at += if json[at] == b'\\' { 2 } else { 1 };
    }
    at.min(json.len())
}

fn written(json: &[u8], steps: &[Step]) -> String {
    let mut path = String::new();
    for step in steps.iter().take(MOST_STEPS) {
        match step {
            Step::Key(None) => {}
            Step::Key(Some((from, to))) => {
                if !path.is_empty() {
                    path.push('.');
                }
                let key = &json[*from..(*to).min(from + MOST_KEY_BYTES)];
                path.push_str(&String::from_utf8_lossy(key));
            }
            Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    if steps.len() > MOST_STEPS {
        path.push('…');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(json: &str, needle: &str) -> String {
        path_at(json.as_bytes(), json.find(needle).unwrap() + needle.len())
    }

    #[test]
    fn paths_name_the_value_that_ends_there() {
        let json = r#"{"a":1,"items":[{"x":"],{\"","n":2},{"n":"bad"}],"p":{"t":5},"e":[]}"#;
        assert_eq!(at(json, "1"), "a");
        assert_eq!(at(json, "\"bad\""), "items[1].n");
        assert_eq!(at(json, "\"n\":2"), "items[0].n");
        assert_eq!(at(json, "5"), "p.t");
        assert_eq!(at(json, "[]"), "e");
        assert_eq!(path_at(json.as_bytes(), 0), "");
    }

    #[test]
    fn no_text_is_too_strange() {
        for json in ["", "\"", "\"\\", "{{{{", "]]]]", ",,,", "{\"\\", "[\"a"] {
            for end in 0..10 {
                let _ = path_at(json.as_bytes(), end);
            }
        }
        assert!(path_at("[".repeat(100_000).as_bytes(), 100_000).len() < 100);
    }
}
