//! The entries of an attribute: `key`, `key = value`, `key(values)`, each with its tokens.
//!
//! Values stay tokens here: an entry that is wrong is reported, and the ones after it are still read.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::report::Errors;

/// One entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: Ident,
    /// What is said of it.
    pub(crate) form: Form,
}

/// What an entry says.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    /// `key`
    Flag,
    /// `key = value`
    Value(TokenStream),
    /// `key(values)`
    List(Group),
}

impl Entry {
    /// The tokens to underline for a wrong value: the value, or the key where there is none.
    pub(crate) fn value_tokens(&self) -> TokenStream {
        match &self.form {
            Form::Flag => self.key.to_token_stream(),
            Form::Value(tokens) => tokens.clone(),
            Form::List(group) => group.to_token_stream(),
        }
    }

    /// The key's name, without `r#`.
    pub(crate) fn name(&self) -> String {
        let name = self.key.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    }
}

/// Reads the entries of an attribute, separated by commas.
pub(crate) fn entries(tokens: TokenStream, errors: &Errors) -> Vec<Entry> {
    split(tokens).into_iter().filter_map(|part| entry(part, errors)).collect()
}

/// The parts between commas; commas inside `<…>` do not separate.
fn split(tokens: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut parts, mut part, mut depth) = (Vec::new(), Vec::new(), 0_usize);
    for token in tokens {
        if let TokenTree::Punct(punct) = &token {
            match punct.as_char() {
                '<' => depth += 1,
                '>' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => {
                    // What stands before a comma may be nothing only by mistake; `entry` says so.
                    part.push(token);
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
        }
        part.push(token);
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

fn entry(mut part: Vec<TokenTree>, errors: &Errors) -> Option<Entry> {
    let comma = part.pop_if(|last| matches!(last, TokenTree::Punct(punct) if punct.as_char() == ','));
    let mut tokens = part.into_iter();
    let key = match tokens.next() {
        Some(TokenTree::Ident(key)) => key,
        Some(other) => {
            errors.at(other, "expected a key", "write `key`, `key = value` or `key(…)`, separated by commas");
            return None;
        }
        None => {
            errors.at(comma, "expected a key before this comma", "remove the comma");
            return None;
        }
    };
    let form = match tokens.next() {
        None => Form::Flag,
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => {
            if let Some(rest) = tokens.next() {
                errors.at(rest, format_args!("expected a comma after `{key}(…)`"), "separate keys by commas");
                return None;
            }
            Form::List(group)
        }
        Some(TokenTree::Punct(equals)) if equals.as_char() == '=' => {
            let value: TokenStream = tokens.collect();
            if value.is_empty() {
                errors.at(&key, format_args!("`{key}` has no value"), format_args!("write `{key} = …`"));
                return None;
            }
            if let Some(next) = second_key(&value) {
                let help = "separate keys by commas";
                errors.at(&next, format_args!("expected a comma before `{next}`"), help);
                return None;
            }
            Form::Value(value)
        }
        Some(other) => {
            let help = format_args!("write `{key} = …`, and separate keys by commas");
            errors.at(other, format_args!("expected `=` or a comma after `{key}`"), help);
            return None;
        }
    };
    Some(Entry { key, form })
}

/// The key of a second entry inside a value: a comma is missing.
fn second_key(value: &TokenStream) -> Option<Ident> {
    let mut previous = None;
    let mut depth = 0_usize;
    for token in value.clone() {
        match &token {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth = depth.saturating_sub(1),
            TokenTree::Punct(punct) if punct.as_char() == '=' && depth == 0 => {
                if let Some(TokenTree::Ident(key)) = previous {
                    return Some(key);
                }
            }
            _ => {}
        }
        previous = Some(token);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn read(tokens: TokenStream) -> (Vec<String>, bool) {
        let errors = Errors::new();
        let found = entries(tokens, &errors).iter().map(Entry::name).collect();
        (found, errors.finish().is_ok())
    }

    #[test]
    fn reads_every_form() {
        let (names, fine) = read(quote!(ordered, topic = "a", backoff = linear("1s"), upcast = A<B, C>, crate = x::y,));
        assert_eq!(names, ["ordered", "topic", "backoff", "upcast", "crate"]);
        assert!(fine);
    }

    #[test]
    fn goes_on_after_a_mistake() {
        let (names, fine) = read(quote!("x", topic "a", retries = , group = "a" name = "b", timeout = "1s"));
        assert_eq!(names, ["timeout"]);
        assert!(!fine);
    }
}
