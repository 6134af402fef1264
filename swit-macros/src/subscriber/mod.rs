//! `#[subscriber(…)]`: attribute and signature are read apart, checked, and only what was checked generates code.

mod attribute;
mod contracts;
mod generate;
mod restraints;
mod signature;
mod spec;
mod validate;
mod validation;

use proc_macro2::TokenStream;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let mut keys = Keys::read(attribute, &attribute::VOCABULARY, errors);
    let private = Private::read(&mut keys, errors);
    let raw = attribute::Raw::read(&mut keys, errors);
    let function = signature::Handler::read(item, raw.blocking, errors);
    let subscriber = validate::validate(raw, function?, errors);
    if errors.any() {
        return None;
    }
    Some(generate::generate(&subscriber, &private))
}
