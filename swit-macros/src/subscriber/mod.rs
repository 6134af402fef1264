//! `#[subscriber(…)]`: attribute and signature are read apart, checked, and only what was checked generates code.
//!
//! Event handlers and composites share its parts: the one is a subscriber's function, the other a subscriber's keys.

pub(crate) mod attribute;
mod batch;
pub(crate) mod contracts;
pub(crate) mod generate;
mod restraints;
pub(crate) mod signature;
pub(crate) mod spec;
pub(crate) mod validate;
pub(crate) mod validation;

use proc_macro2::TokenStream;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let mut keys = Keys::read_beside(attribute, &attribute::VOCABULARY, attribute::ELSEWHERE, errors);
    let private = Private::read(&mut keys, errors);
    let raw = attribute::Raw::read(&mut keys, errors);
    let function = signature::Handler::read(item, &signature::ROLE, raw.blocking, errors);
    let generated = generated(raw, function?, &private, errors);
    if errors.any() { None } else { Some(generated) }
}

/// The code of a subscriber whose keys and function were read; nothing of worth where something is reported.
pub(crate) fn generated(
    keys: attribute::Raw,
    handler: signature::Handler,
    private: &Private,
    errors: &Errors,
) -> TokenStream {
    let subscriber = validate::validate(keys, handler, errors);
    if errors.any() { TokenStream::new() } else { generate::generate(&subscriber, private) }
}
