//! `#[derive(ConfigSection)]` with `#[config(section = "…")]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use swit_grammar::name::check_section;
use syn::{Data, DeriveInput};

use crate::{
    names::Private,
    parsing::{Keys, Vocabulary, helper},
    report::Errors,
};

const VOCABULARY: Vocabulary = Vocabulary { attribute: "#[config]", known: &["section", "crate"], later: &[] };

/// Expands the derive; `None` where something was reported.
pub(crate) fn expand(input: TokenStream, errors: &Errors) -> Option<TokenStream> {
    let input = errors.keep(syn::parse2::<DeriveInput>(input))?;
    let ident = &input.ident;
    let found = helper(&input.attrs, "config", errors);
    let tokens = found.as_ref().map(|helper| helper.tokens.clone()).unwrap_or_default();
    let mut keys = Keys::read(tokens, &VOCABULARY, errors);
    let private = Private::read(&mut keys, errors);
    let section = match keys.take("section") {
        Some(entry) => entry.checked(check_section, errors),
        // A key that was refused may have been meant for it.
        None if errors.any() => None,
        None => {
            let at = found.map_or_else(|| ident.to_token_stream(), |helper| helper.attribute);
            let message = format_args!("`{ident}` does not say which section of the configuration it is");
            errors.at(at, message, "write `#[config(section = \"orders\")]`");
            None
        }
    };
    if !matches!(input.data, Data::Struct(_)) {
        errors.at(ident, format_args!("`{ident}` is no struct"), "a section is a struct with a field for each key");
    }
    if !input.generics.params.is_empty() {
        let message = format_args!("`{ident}` is generic; a section is read as one type");
        errors.at(&input.generics, message, "write a struct for each section");
    }
    let section = section?;
    if errors.any() {
        return None;
    }
    let header = quote_spanned!(ident.span()=> impl #private::ConfigSection for #ident);
    Some(quote! {
        const _: () = {
            #[automatically_derived]
            #header {
                const SECTION: &'static ::core::primitive::str = #section;
            }
        };
    })
}
