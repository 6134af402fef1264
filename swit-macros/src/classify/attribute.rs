//! The keys of `#[class]`.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use swit_grammar::{Backoff, limits::MAX_RETRIES, nearest::nearest};
use syn::{Fields, Member, ext::IdentExt as _};

use crate::{
    parsing::{Entry, Form, Helper, Keys, Vocabulary},
    report::Errors,
};

/// The classes, as they are written and as the variants of `Class`.
const CLASSES: [(&str, &str); 5] = [
    ("transient", "Transient"),
    ("throttle", "Throttle"),
    ("invalid_input", "InvalidInput"),
    ("system_failure", "SystemFailure"),
    ("permanent", "Permanent"),
];

const HELP: &str = "write `#[class(transient)]`, `throttle`, `invalid_input`, `system_failure`, `permanent`, or `from` for a wrapped error's own";

const ON_STRUCT: Vocabulary = Vocabulary {
    attribute: "#[class]",
    known: &[
        "transient",
        "throttle",
        "invalid_input",
        "system_failure",
        "permanent",
        "from",
        "retries",
        "backoff",
        "retry_after",
        "crate",
    ],
    later: &[],
};

const ON_VARIANT: Vocabulary = Vocabulary {
    attribute: "#[class]",
    known: &[
        "transient",
        "throttle",
        "invalid_input",
        "system_failure",
        "permanent",
        "from",
        "retries",
        "backoff",
        "retry_after",
    ],
    later: &[],
};

/// What a variant is classified as.
pub(super) enum Class {
    /// As its wrapped error is.
    From(Member),
    /// As it says.
    Named {
        /// The variant of `Class`.
        class: &'static str,
        retries: Option<u32>,
        backoff: Option<Backoff>,
        retry_after: Option<Member>,
    },
}

/// The keys of a struct's attribute.
pub(super) fn keys<'a>(helper: Option<&Helper>, errors: &'a Errors) -> Keys<'a> {
    Keys::read(tokens(helper), &ON_STRUCT, errors)
}

/// The keys of a variant's attribute.
pub(super) fn keys_of_variant<'a>(helper: Option<&Helper>, errors: &'a Errors) -> Keys<'a> {
    Keys::read(tokens(helper), &ON_VARIANT, errors)
}

/// The keys of an enum's own attribute, which only says where swit is.
pub(super) fn keys_of_enum<'a>(helper: Option<&Helper>, errors: &'a Errors) -> Keys<'a> {
    let mut keys = keys(helper, errors);
    for name in ON_VARIANT.known {
        if let Some(entry) = keys.take(name) {
            let help = format_args!("write `#[class({name})]` at each variant");
            errors.at(&entry.key, format_args!("`{name}` stands at the enum"), help);
        }
    }
    keys
}

fn tokens(helper: Option<&Helper>) -> TokenStream {
    helper.map(|helper| helper.tokens.clone()).unwrap_or_default()
}

/// Reads a class and what it says of retries.
pub(super) fn read(
    keys: &mut Keys<'_>,
    fields: &Fields,
    ident: &Ident,
    is_reported: bool,
    errors: &Errors,
) -> Option<Class> {
    let mut classes = Vec::new();
    for (word, class) in CLASSES {
        classes.extend(keys.take(word).map(|entry| (entry, Some(class))));
    }
    classes.extend(keys.take("from").map(|entry| (entry, None)));
    let retries = keys.take("retries");
    let backoff = keys.take("backoff");
    let retry_after = keys.take("retry_after");
    for (entry, _) in &classes {
        entry.flag(errors);
    }
    if let [_, (second, _), ..] = classes.as_slice() {
        errors.at(&second.key, format_args!("`{ident}` has two classes"), "keep one of them");
        return None;
    }
    let Some((entry, class)) = classes.pop() else {
        // The class may be the word that was refused.
        if !is_reported && !keys.were_refused() {
            errors.at(ident, format_args!("`{ident}` has no class"), HELP);
        }
        return None;
    };
    let Some(class) = class else {
        for extra in [&retries, &backoff, &retry_after].into_iter().flatten() {
            let key = &extra.key;
            let message = format_args!("`{key}` goes with a class, but `from` takes the wrapped error's own");
            errors.at(key, message, format_args!("remove `{key}`, or name a class"));
        }
        return wrapped(&entry, fields, ident, errors).map(Class::From);
    };
    if matches!(class, "InvalidInput" | "Permanent") {
        for extra in [&retries, &backoff, &retry_after].into_iter().flatten() {
            let (key, word) = (&extra.key, entry.name());
            let message = format_args!("`{key}` never applies: `{word}` is not retried");
            errors.at(key, message, format_args!("remove `{key}`, or choose another class"));
        }
    }
    Some(Class::Named {
        class,
        retries: retries.and_then(|entry| retries_of(&entry, errors)),
        backoff: backoff.and_then(|entry| entry.backoff(errors)),
        retry_after: retry_after.and_then(|entry| field(&entry, fields, ident, errors)),
    })
}

fn retries_of(entry: &Entry, errors: &Errors) -> Option<u32> {
    let retries = entry.integer(errors)?;
    if retries > MAX_RETRIES {
        errors.at(entry.value_tokens(), format_args!("`retries` is {retries}"), "use at most 100");
        return None;
    }
    Some(retries)
}

/// The field that `from` means: the only one, or the one that thiserror takes for the source.
fn wrapped(entry: &Entry, fields: &Fields, ident: &Ident, errors: &Errors) -> Option<Member> {
    let all: Vec<_> = fields.members().zip(fields.iter()).collect();
    if let [(member, _)] = all.as_slice() {
        return Some(member.clone());
    }
    let source = all.iter().find(|(member, field)| {
        field.attrs.iter().any(|attribute| attribute.path().is_ident("from") || attribute.path().is_ident("source"))
            || matches!(member, Member::Named(name) if name.unraw() == "source")
    });
    if source.is_none() {
        let message = format_args!("`{ident}` does not wrap one error");
        errors.at(&entry.key, message, "give it one field, mark the wrapped one `#[source]`, or name a class");
    }
    source.map(|(member, _)| member.clone())
}

fn field(entry: &Entry, fields: &Fields, ident: &Ident, errors: &Errors) -> Option<Member> {
    let Form::Value(tokens) = &entry.form else {
        entry.refuse("the name of a field that holds a `Duration`", "retry_after = wait", errors);
        return None;
    };
    let Ok(member) = syn::parse2::<Member>(tokens.clone()) else {
        entry.refuse("the name of a field that holds a `Duration`", "retry_after = wait", errors);
        return None;
    };
    if fields.members().any(|known| known == member) {
        return Some(member);
    }
    let names: Vec<String> = fields.members().map(|known| known.to_token_stream().to_string()).collect();
    let wanted = member.to_token_stream().to_string();
    let help = match nearest(&wanted, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => "it has no fields".to_owned(),
        None => format!("its fields are `{}`", names.join("`, `")),
    };
    errors.at(&member, format_args!("`{ident}` has no field `{wanted}`"), help);
    None
}
