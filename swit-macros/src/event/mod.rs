//! `#[derive(Event)]` with `#[event(…)]`.

mod attribute;
mod codec;
mod generate_enum;
mod generate_struct;
mod shape;

pub(crate) use codec::{Codec, Format};

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput};

use crate::{
    names::Private,
    parsing::{Keys, helper},
    report::Errors,
};

/// Expands the derive; `None` where something was reported.
pub(crate) fn expand(input: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let input = errors.keep(syn::parse2::<DeriveInput>(input))?;
    let found = helper(&input.attrs, "event", errors);
    let tokens = found.as_ref().map(|helper| helper.tokens.clone()).unwrap_or_default();
    match &input.data {
        Data::Struct(data) => {
            let mut keys = Keys::read(tokens, &attribute::VOCABULARY, errors);
            let private = Private::read(&mut keys, errors);
            let raw = attribute::Raw::read(&mut keys, errors);
            let event = raw.validate(&input, &data.fields, found.as_ref(), errors)?;
            (!errors.any()).then(|| generate_struct::generate(&input, &event, &private))
        }
        Data::Enum(data) => {
            let mut keys = Keys::read(tokens, &attribute::VOCABULARY, errors);
            let private = Private::read(&mut keys, errors);
            attribute::refuse_on_enum(&mut keys, errors);
            let variants = shape::variants(&input, data, errors);
            (!errors.any()).then(|| generate_enum::generate(&input, &variants, &private))
        }
        Data::Union(data) => {
            let help = "write a struct, or an enum of events";
            errors.at(data.union_token, format_args!("the union `{}` cannot be an event", input.ident), help);
            None
        }
    }
}
