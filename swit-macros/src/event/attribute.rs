//! The keys of `#[event]`.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use swit_grammar::{name::check_event_type, nearest::nearest, topic::check_topic};
use syn::{DeriveInput, Fields, LitStr, Member, Type};

use super::codec::{Codec, Format, codecs};
use crate::{
    parsing::{Entry, Form, Helper, Keys, Vocabulary},
    report::Errors,
};

pub(super) const VOCABULARY: Vocabulary = Vocabulary {
    attribute: "#[event]",
    known: &["topic", "version", "key", "name", "codec", "codecs", "upcast", "newer", "unrouted", "crate"],
    later: &[],
};

/// What the attribute says, key by key.
pub(super) struct Raw {
    topic: Option<Entry>,
    version: Option<(u32, TokenStream)>,
    key: Option<Member>,
    name: Option<LitStr>,
    codecs: Option<Vec<Codec>>,
    upcast: Option<Type>,
    newer: Option<&'static str>,
    unrouted: Option<&'static str>,
}

/// An event whose attribute is right.
pub(super) struct Event {
    pub(super) topic: LitStr,
    pub(super) version: u32,
    pub(super) key: Option<Member>,
    pub(super) name: String,
    /// Those that it is read in; the first is the one it is written in.
    pub(super) codecs: Vec<Codec>,
    pub(super) upcast: Option<Type>,
    pub(super) newer: &'static str,
    pub(super) unrouted: &'static str,
}

impl Raw {
    /// Takes every key out of the table.
    pub(super) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        Self {
            topic: keys.take("topic"),
            version: keys.take("version").and_then(|entry| version(&entry, errors)),
            key: keys.take("key").and_then(|entry| member(&entry, errors)),
            name: keys.take("name").and_then(|entry| entry.checked(check_event_type, errors)),
            codecs: codecs(keys, errors),
            upcast: keys.take("upcast").and_then(|entry| entry.ty(errors)),
            newer: keys
                .take("newer")
                .and_then(|entry| choice(&entry, &[("refuse", "Refuse"), ("tolerate", "Tolerate")], errors)),
            unrouted: keys.take("unrouted").and_then(|entry| {
                choice(&entry, &[("warn", "Warn"), ("error", "Error"), ("ignore", "Ignore")], errors)
            }),
        }
    }

    /// Checks the keys against each other and against the struct.
    pub(super) fn validate(
        self,
        input: &DeriveInput,
        fields: &Fields,
        helper: Option<&Helper>,
        errors: &Errors,
    ) -> Option<Event> {
        let ident = &input.ident;
        let topic = match &self.topic {
            Some(entry) => entry.checked(check_topic, errors),
            // A key that was refused may have been meant for it.
            None if errors.any() => None,
            None => {
                let at = helper.map_or_else(|| ident.to_token_stream(), |helper| helper.attribute.clone());
                let help = "write `#[event(topic = \"order.created\", version = 1)]`";
                errors.at(at, format_args!("the event `{ident}` has no topic"), help);
                None
            }
        };
        if let Some(key) = &self.key {
            field_exists(ident, fields, key, errors);
        }
        let (version, at) = self.version.unwrap_or((1, TokenStream::new()));
        if let (Some(upcast), true) = (&self.upcast, version == 1) {
            let at = if at.is_empty() { upcast.to_token_stream() } else { at };
            let message = format_args!("`{ident}` is upcast from an older version, but is itself version 1");
            errors.at(at, message, "raise `version`, and keep the older version in the type it is upcast from");
        }
        let name = ident.to_string();
        let codecs = self.codecs.unwrap_or_else(|| vec![Codec { format: Format::Json, span: ident.span() }]);
        Some(Event {
            topic: topic?,
            version,
            key: self.key,
            name: self.name.map_or_else(|| name.trim_start_matches("r#").to_owned(), |name| name.value()),
            codecs,
            upcast: self.upcast,
            newer: self.newer.unwrap_or("Refuse"),
            unrouted: self.unrouted.unwrap_or("Warn"),
        })
    }
}

/// On an enum only the path of swit can be said: topics and versions are its variants'.
pub(super) fn refuse_on_enum(keys: &mut Keys<'_>, errors: &Errors) {
    for name in VOCABULARY.known {
        if let Some(entry) = keys.take(name) {
            let help = format_args!("write `{name}` at the event types that its variants hold");
            errors.at(&entry.key, format_args!("`{name}` stands at an enum of events"), help);
        }
    }
}

fn version(entry: &Entry, errors: &Errors) -> Option<(u32, TokenStream)> {
    let version = entry.integer(errors)?;
    if version == 0 {
        errors.at(entry.value_tokens(), "`version` is 0, which stands for «not said»", "versions count from 1");
        return None;
    }
    Some((version, entry.value_tokens()))
}

fn member(entry: &Entry, errors: &Errors) -> Option<Member> {
    let member = match &entry.form {
        Form::Value(tokens) => syn::parse2::<Member>(tokens.clone()).ok(),
        Form::Flag | Form::List(_) => None,
    };
    if member.is_none() {
        let text = match &entry.form {
            Form::Value(tokens) => match tokens.clone().into_iter().next() {
                Some(TokenTree::Literal(literal)) => literal.to_string().trim_matches('"').to_owned(),
                _ => "order_id".to_owned(),
            },
            Form::Flag | Form::List(_) => "order_id".to_owned(),
        };
        entry.refuse("the name of a field", &format!("key = {text}"), errors);
    }
    member
}

fn field_exists(ident: &syn::Ident, fields: &Fields, key: &Member, errors: &Errors) {
    if fields.members().any(|member| member == *key) {
        return;
    }
    let names: Vec<String> = fields.members().map(|member| member.to_token_stream().to_string()).collect();
    let wanted = key.to_token_stream().to_string();
    let help = match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has no fields".to_owned(),
        None => format!("its fields are `{}`", names.join("`, `")),
    };
    errors.at(key, format_args!("`{ident}` has no field `{wanted}`"), help);
}

/// One of a few words in quotation marks, as the variant that it stands for.
fn choice(entry: &Entry, words: &[(&str, &'static str)], errors: &Errors) -> Option<&'static str> {
    let text = entry.string(errors)?;
    let value = text.value();
    if let Some((_, variant)) = words.iter().find(|(word, _)| *word == value) {
        return Some(variant);
    }
    let help = nearest(&value, words.iter().map(|(word, _)| *word)).map_or_else(
        || format!("write {}", words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")),
        |near| format!("did you mean \"{near}\"?"),
    );
    errors.at(&text, format_args!("`{}` is \"{value}\"", entry.name()), help);
    None
}
