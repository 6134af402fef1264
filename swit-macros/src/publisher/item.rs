//! The item under `#[publisher]`: a unit struct.

use proc_macro2::TokenStream;
use syn::{
    Attribute, Fields, Ident, ItemStruct, Token, Visibility,
    parse::{ParseStream, Parser},
};

use crate::report::Errors;

/// A unit struct.
pub(super) struct Item {
    pub(super) attributes: Vec<Attribute>,
    pub(super) ident: Ident,
}

impl Item {
    /// Reads and checks the struct.
    pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Self> {
        let parse = |input: ParseStream<'_>| {
            let ahead = input.fork();
            Attribute::parse_outer(&ahead)?;
            ahead.parse::<Visibility>()?;
            if !ahead.peek(Token![struct]) {
                let text = "`#[publisher]` goes on a unit struct\nhelp: write `#[publisher(event = …)] pub struct OrderCreatedPublisher;`";
                return Err(ahead.error(text));
            }
            input.parse::<ItemStruct>()
        };
        let item = errors.keep(parse.parse2(item))?;
        let ident = &item.ident;
        if !item.generics.params.is_empty() {
            let help = "write a struct for each event";
            let message = format_args!("`{ident}` is generic; a publisher is registered once, for one event type");
            errors.at(&item.generics, message, help);
        }
        if !matches!(item.fields, Fields::Unit) {
            let help =
                format_args!("write `struct {ident};`, and take `Publisher<{ident}>` where something is published");
            errors.at(&item.fields, format_args!("`{ident}` has fields; it only names a publisher"), help);
        }
        Some(Self { attributes: item.attrs, ident: item.ident })
    }

    /// The struct's name, without `r#`.
    pub(super) fn name(&self) -> String {
        let name = self.ident.to_string();
        name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
    }
}
