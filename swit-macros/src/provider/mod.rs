//! `#[provider(…)]`.

mod attribute;
mod generate;
mod health;
mod signature;

use proc_macro2::TokenStream;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let mut keys = Keys::read_beside(attribute, &attribute::VOCABULARY, health::ELSEWHERE, errors);
    let private = Private::read(&mut keys, errors);
    let attribute = attribute::Attribute::read(&mut keys, errors);
    let function = signature::read(item, errors)?;
    if errors.any() {
        return None;
    }
    Some(generate::generate(&attribute, &function, &private))
}
