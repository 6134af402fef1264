//! `composite!(pub NAME, strategy = …, …)`: a subscriber without a function, whose event handlers stand elsewhere.

mod generate;
mod input;
mod validate;

use proc_macro2::TokenStream;

use crate::{names::Private, report::Errors};

/// Expands the macro; `None` where something was reported.
pub(crate) fn expand(input: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let (item, rest) = input::read(input, errors)?;
    let mut keys = input::keys(rest.clone(), errors);
    let private = Private::read(&mut keys, errors);
    let composite = validate::validate(item, keys, &rest, errors);
    if errors.any() {
        return None;
    }
    Some(generate::generate(&composite?, &private))
}
