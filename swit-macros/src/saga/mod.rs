//! `#[saga(…)]` on an impl block: the block is read apart into its functions, these are checked by themselves and to each
//! other, and only what was checked generates code.
//!
//! The block comes out as it was written, but for the attributes inside of it, which mean nothing to the compiler.

mod attribute;
pub(crate) mod block;
mod call;
mod contracts;
mod function;
mod generate;
mod intake;
mod keys;
mod links;
mod source;
mod validate;

use proc_macro2::TokenStream;

use crate::{names::Private, parsing::Keys, report::Errors};

/// Expands the attribute; `None` where something was reported.
pub(crate) fn expand(written: &TokenStream, item: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let block = block::Block::read(item, errors);
    let mut keys = Keys::read_beside(written.clone(), &attribute::VOCABULARY, attribute::ELSEWHERE, errors);
    let private = Private::read(&mut keys, errors);
    let attribute = attribute::Attribute::read(&mut keys, written, block.as_ref().map(|block| &block.ty), errors);
    drop(keys);
    let mut saga = validate::validate(attribute, block?, errors)?;
    let intake = intake::Intake::of(&mut saga, &private, errors);
    if errors.any() {
        return None;
    }
    Some(generate::generate(&saga, &intake, &private))
}
