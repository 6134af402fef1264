//! `#[middleware(…)]`.

mod attribute;
mod generate;
mod generate_publish;
mod signature;

use proc_macro2::TokenStream;

use signature::Side;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(attribute: TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let mut keys = Keys::read(attribute, &attribute::VOCABULARY, errors);
    let private = Private::read(&mut keys, errors);
    let raw = attribute::Raw::read(&mut keys, errors);
    let side = raw.side;
    let function = signature::MiddlewareFn::read(item, side, errors)?;
    let attribute = raw.validate(&function, errors);
    if errors.any() {
        return None;
    }
    Some(match side {
        Side::Consume => generate::generate(&attribute, &function, &private),
        Side::Publish => generate_publish::generate(&attribute, &function, &private),
    })
}
