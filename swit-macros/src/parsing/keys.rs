//! The keys of one attribute: known ones are handed out, all others are refused.

use proc_macro2::{TokenStream, TokenTree};
use swit_grammar::nearest::nearest;

use super::{Entry, entries};
use crate::report::Errors;

/// The words that an attribute knows.
pub(crate) struct Vocabulary {
    /// The attribute as it is written: `#[subscriber]`.
    pub(crate) attribute: &'static str,
    /// The keys that it takes.
    pub(crate) known: &'static [&'static str],
    /// The keys that are announced but not there yet, each with what it comes with.
    pub(crate) later: &'static [(&'static str, &'static str)],
}

/// Keys that one would look for here, and that are written somewhere else.
pub(crate) struct Elsewhere {
    pub(crate) keys: &'static [&'static str],
    /// Whose they are: «its composite's».
    pub(crate) whose: &'static str,
    /// Where to write them.
    pub(crate) help: &'static str,
}

/// The keys that one attribute was given, each at most once and all known.
///
/// Every key that is known must be taken: one that was accepted and ignored is a bug, and dropping panics.
pub(crate) struct Keys<'a> {
    entries: Vec<Entry>,
    errors: &'a Errors,
    /// Something was reported while they were read.
    refused: bool,
}

impl<'a> Keys<'a> {
    /// Reads an attribute's tokens. Unknown, repeated and later keys are reported and left out.
    pub(crate) fn read(tokens: TokenStream, vocabulary: &Vocabulary, errors: &'a Errors) -> Self {
        Self::read_beside(tokens, vocabulary, &[], errors)
    }

    /// As [`read`](Self::read); says of keys that belong elsewhere where that is.
    pub(crate) fn read_beside(
        tokens: TokenStream,
        vocabulary: &Vocabulary,
        elsewhere: &[Elsewhere],
        errors: &'a Errors,
    ) -> Self {
        let mut kept: Vec<Entry> = Vec::new();
        let before = errors.count();
        for entry in entries(tokens, errors) {
            let name = entry.name();
            if let Some(other) = elsewhere.iter().find(|other| other.keys.contains(&name.as_str())) {
                errors.at(&entry.key, format_args!("`{name}` is {}", other.whose), other.help);
            } else if let Some((_, with)) = vocabulary.later.iter().find(|(later, _)| *later == name) {
                let message = format_args!("`{name}` is not available yet: it comes with {with}");
                errors.at(&entry.key, message, format_args!("remove `{name}`"));
            } else if !vocabulary.known.contains(&name.as_str()) {
                unknown(&entry, &name, vocabulary, errors);
            } else if kept.iter().any(|known| known.name() == name) {
                errors.at(&entry.key, format_args!("`{name}` is given twice"), "keep one of them");
            } else {
                kept.push(entry);
            }
        }
        Self { entries: kept, errors, refused: errors.count() > before }
    }

    /// Whether something was left out: what is missing may have been meant by it.
    pub(crate) fn were_refused(&self) -> bool {
        self.refused
    }

    /// Takes a key out.
    pub(crate) fn take(&mut self, name: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.name() == name)?;
        Some(self.entries.remove(at))
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        // With errors, reading may have ended early.
        assert!(
            self.entries.is_empty() || self.errors.any() || std::thread::panicking(),
            "the key `{}` was accepted and ignored",
            self.entries.first().map(Entry::name).unwrap_or_default()
        );
    }
}

/// Whether a key was meant, even if it was mistyped or stands where none can, which was reported: then it is not missing.
pub(crate) fn mentions(tokens: &TokenStream, key: &str, errors: &Errors) -> bool {
    // Where nothing was refused, a word that looks like it is somebody's name.
    errors.any()
        && tokens.clone().into_iter().any(|token| match token {
            TokenTree::Ident(word) => word == key || nearest(&word.to_string(), [key]).is_some(),
            _ => false,
        })
}

fn unknown(entry: &Entry, name: &str, vocabulary: &Vocabulary, errors: &Errors) {
    let later = vocabulary.later.iter().map(|(key, _)| *key);
    let near = nearest(name, vocabulary.known.iter().copied().chain(later));
    let known = || vocabulary.known.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let help = near.map_or_else(|| format!("its keys are {}", known()), |near| format!("did you mean `{near}`?"));
    errors.at(&entry.key, format_args!("`{}` has no key `{name}`", vocabulary.attribute), help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    const WORDS: Vocabulary =
        Vocabulary { attribute: "#[x]", known: &["topic", "retries"], later: &[("inbox", "the inbox")] };

    #[test]
    fn refuses_what_it_does_not_know() {
        let errors = Errors::new();
        let mut keys = Keys::read(quote!(topic = "a", topic = "b", retires = 3, inbox), &WORDS, &errors);
        assert!(keys.take("topic").is_some() && keys.take("topic").is_none());
        drop(keys);
        let text = errors.finish().expect_err("three errors").to_string();
        for part in ["given twice", "did you mean `retries`?", "not available yet: it comes with the inbox"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    #[should_panic(expected = "accepted and ignored")]
    fn a_key_that_nobody_takes_is_a_bug() {
        // Leaked, so that its own check does not panic in its place.
        let errors: &'static Errors = Box::leak(Box::new(Errors::new()));
        drop(Keys::read(quote!(topic = "a"), &WORDS, errors));
    }
}
