//! `#[derive(Classify)]` with `#[class(…)]`.

mod attribute;
mod generate;

use proc_macro2::TokenStream;
use syn::{Attribute, Data, DeriveInput, Fields, Ident};

use crate::{names::Private, parsing::helper, report::Errors};

/// One pattern of the error and what it is classified as.
struct Case<'a> {
    /// `None` for a struct.
    variant: Option<&'a Ident>,
    fields: &'a Fields,
    class: attribute::Class,
}

/// Expands the derive; `None` where something was reported.
pub(crate) fn expand(input: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let input = errors.keep(syn::parse2::<DeriveInput>(input))?;
    let (private, cases) = match &input.data {
        Data::Struct(data) => {
            let found = helper(&input.attrs, "class", errors);
            let mut keys = attribute::keys(found.as_ref(), errors);
            let private = Private::read(&mut keys, errors);
            let class = class(&mut keys, &input.attrs, &data.fields, &input.ident, errors);
            (private, class.map(|class| Case { variant: None, fields: &data.fields, class }).into_iter().collect())
        }
        Data::Enum(data) => {
            let found = helper(&input.attrs, "class", errors);
            let mut keys = attribute::keys_of_enum(found.as_ref(), errors);
            let private = Private::read(&mut keys, errors);
            let cases: Vec<_> = data
                .variants
                .iter()
                .filter_map(|variant| {
                    let found = helper(&variant.attrs, "class", errors);
                    let mut keys = attribute::keys_of_variant(found.as_ref(), errors);
                    let class = class(&mut keys, &variant.attrs, &variant.fields, &variant.ident, errors)?;
                    Some(Case { variant: Some(&variant.ident), fields: &variant.fields, class })
                })
                .collect();
            (private, cases)
        }
        Data::Union(data) => {
            let help = "write an enum or a struct";
            errors.at(data.union_token, format_args!("the union `{}` cannot be an error", input.ident), help);
            return None;
        }
    };
    at_fields(&input.data, errors);
    (!errors.any()).then(|| generate::generate(&input, &cases, &private))
}

/// The derive knows `#[class]` everywhere; at a field it says nothing.
fn at_fields(data: &Data, errors: &Errors) {
    let (fields, place): (Vec<&Fields>, _) = match data {
        Data::Struct(data) => (vec![&data.fields], "struct"),
        Data::Enum(data) => (data.variants.iter().map(|variant| &variant.fields).collect(), "variant"),
        Data::Union(_) => return,
    };
    let attributes = fields.into_iter().flatten().flat_map(|field| &field.attrs);
    for attribute in attributes.filter(|attribute| attribute.path().is_ident("class")) {
        let help = format_args!("write it at the {place}");
        errors.at(attribute, "`#[class]` stands at a field, where it says nothing", help);
    }
}

fn class(
    keys: &mut crate::parsing::Keys<'_>,
    attributes: &[Attribute],
    fields: &Fields,
    ident: &Ident,
    errors: &Errors,
) -> Option<attribute::Class> {
    // `#[class]` alone.
    let is_reported =
        attributes.iter().any(|attribute| attribute.path().is_ident("class") && attribute.meta.require_list().is_err());
    attribute::read(keys, fields, ident, is_reported, errors)
}
