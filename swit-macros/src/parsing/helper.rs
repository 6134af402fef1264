//! The helper attributes of derives: `#[event(…)]`, `#[class(…)]`, `#[config(…)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Meta};

use crate::report::Errors;

/// A helper attribute that was found.
pub(crate) struct Helper {
    /// What stands between its parentheses.
    pub(crate) tokens: TokenStream,
    /// The whole attribute, to underline.
    pub(crate) attribute: TokenStream,
}

/// The one attribute of this name, where there is one.
pub(crate) fn helper(attributes: &[Attribute], name: &str, errors: &Errors) -> Option<Helper> {
    let mut found = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    let first = found.next()?;
    for second in found {
        errors.at(second, format_args!("`#[{name}]` is given twice"), format_args!("write one `#[{name}(…)]`"));
    }
    let tokens = match &first.meta {
        Meta::List(list) => list.tokens.clone(),
        Meta::Path(_) | Meta::NameValue(_) => {
            errors.at(first, format_args!("`#[{name}]` says nothing"), format_args!("write `#[{name}(…)]`"));
            TokenStream::new()
        }
    };
    Some(Helper { tokens, attribute: first.to_token_stream() })
}
