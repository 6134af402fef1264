//! `#[health_check(…)]`.

mod attribute;
mod generate;
mod signature;

use proc_macro2::TokenStream;

pub(crate) use attribute::timeout;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let mut keys = Keys::read(attribute, &attribute::VOCABULARY, errors);
    let private = Private::read(&mut keys, errors);
    let raw = attribute::Raw::read(&mut keys, errors);
    let function = signature::read(item, errors)?;
    let attribute = attribute::Attribute::validate(&raw, &function, errors);
    if errors.any() {
        return None;
    }
    Some(generate::generate(&attribute, &function, &private))
}
