//! `#[event_handler(composite = …, order = …)]`: one handler of a composite. Attribute and signature are read apart, checked,
//! and only what was checked generates code.

mod attribute;
mod generate;

use proc_macro2::TokenStream;

use crate::{function::Role, names::Private, parsing::Keys, report::Errors, subscriber::signature::Handler};

const ROLE: Role = Role {
    attribute: "#[event_handler]",
    is: "an event handler",
    not_async: "write `async fn`, or add `blocking` to run it on the blocking pool: `#[event_handler(…, blocking)]`",
};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: &TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let elsewhere = &[attribute::OF_THE_COMPOSITE, attribute::OF_NONE];
    let mut keys = Keys::read_beside(attribute.clone(), &attribute::VOCABULARY, elsewhere, errors);
    let private = Private::read(&mut keys, errors);
    let raw = attribute::Raw::read(&mut keys, attribute, errors);
    let function = Handler::read(item, &ROLE, raw.blocking, errors);
    let handler = attribute::validate(raw, function?, errors)?;
    if errors.any() {
        return None;
    }
    Some(generate::generate(&handler, &private))
}
