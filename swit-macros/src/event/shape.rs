//! The variants of an enum of events: each a tuple of one event type.

use syn::{DataEnum, DeriveInput, Fields, Ident, Type};

use crate::report::Errors;

/// A variant and the event type that it holds.
pub(super) struct Variant<'a> {
    pub(super) ident: &'a Ident,
    pub(super) event: &'a Type,
}

/// The variants; those of another shape are reported.
pub(super) fn variants<'a>(input: &DeriveInput, data: &'a DataEnum, errors: &Errors) -> Vec<Variant<'a>> {
    if data.variants.is_empty() {
        let help = "give it a variant for each event: `Created(OrderCreated)`";
        errors.at(&input.ident, format_args!("the enum of events `{}` has no variants", input.ident), help);
    }
    let mut found = Vec::new();
    for variant in &data.variants {
        if let Some(attribute) = variant.attrs.iter().find(|attribute| attribute.path().is_ident("event")) {
            let help = "write it on the event type that the variant holds";
            errors.at(attribute, "`#[event]` stands at a variant", help);
        }
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                found.extend(fields.unnamed.first().map(|field| Variant { ident: &variant.ident, event: &field.ty }));
            }
            _ => {
                let message = format_args!("the variant `{}` does not hold one event", variant.ident);
                errors.at(variant, message, format_args!("write `{}(SomeEvent)`", variant.ident));
            }
        }
    }
    found
}
