//! Text that is put together while the user's crate compiles, where there is no `format!`.

use super::Argument;

/// Longest message; what is beyond is cut.
const CAPACITY: usize = 1024;

/// A message in the making.
pub(super) struct Message {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Message {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; CAPACITY], len: 0 }
    }

    pub(super) const fn str(mut self, text: &str) -> Self {
        let text = text.as_bytes();
        // A text is taken whole or not at all, so that no character is cut in two.
        if self.len + text.len() <= CAPACITY {
            let mut i = 0;
            while i < text.len() {
                self.bytes[self.len] = text[i];
                self.len += 1;
                i += 1;
            }
        }
        self
    }

    /// In backticks.
    pub(super) const fn tick(self, text: &str) -> Self {
        self.str("`").str(text).str("`")
    }

    /// In quotation marks.
    pub(super) const fn quote(self, text: &str) -> Self {
        self.str("\"").str(text).str("\"")
    }

    pub(super) const fn number(self, number: u32) -> Self {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        let text = if number >= 10 { self.number(number / 10) } else { self };
        text.str(DIGITS[(number % 10) as usize])
    }

    /// Each in quotation marks.
    pub(super) const fn list(mut self, texts: &[&str]) -> Self {
        let mut i = 0;
        while i < texts.len() {
            if i > 0 {
                self = self.str(", ");
            }
            self = self.quote(texts[i]);
            i += 1;
        }
        self
    }

    /// The topics of the arguments' events.
    pub(super) const fn topics(mut self, arguments: &[Argument]) -> Self {
        let (mut a, mut first) = (0, true);
        while a < arguments.len() {
            let mut e = 0;
            while e < arguments[a].events.len() {
                if !first {
                    self = self.str(", ");
                }
                self = self.quote(arguments[a].events[e].topic);
                first = false;
                e += 1;
            }
            a += 1;
        }
        self
    }

    pub(super) const fn get(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "the contract does not hold",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_text_together() {
        let text = Message::new().tick("f").str(" ").list(&["a", "b"]).str(" ").number(1205);
        assert_eq!(text.get(), "`f` \"a\", \"b\" 1205");
    }

    #[test]
    fn cuts_between_texts() {
        let long = "ß".repeat(400);
        let text = Message::new().str(&long).str(&long).str("!");
        assert_eq!(text.get(), format!("{long}!"));
    }
}
