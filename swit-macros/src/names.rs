//! How generated code names what it needs of swit, and where it says it stands.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Attribute;

use crate::{parsing::Keys, report::Errors};

/// The hidden module that generated code names: `::swit::__private`, or that of the path given as `crate = …`.
pub(crate) fn private(keys: &mut Keys<'_>, errors: &Errors) -> TokenStream {
    let given = keys.take("crate").and_then(|entry| entry.path(errors));
    given.map_or_else(|| quote!(::swit::__private), |path| quote!(#path::__private))
}

/// Where the item stands; written so that it is evaluated at the user's item.
pub(crate) fn location(private: &TokenStream) -> TokenStream {
    quote! {
        #private::Location {
            module: ::core::module_path!(),
            file: ::core::file!(),
            line: ::core::line!(),
        }
    }
}

/// The item's `#[cfg]`s, for what is generated beside it.
pub(crate) fn cfgs(attributes: &[Attribute]) -> TokenStream {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).map(|cfg| quote!(#cfg)).collect()
}

/// Tokens as somebody would write them: for texts that name a type.
pub(crate) fn spelled(tokens: &impl quote::ToTokens) -> String {
    let mut text = String::new();
    for token in tokens.to_token_stream().to_string().split(' ') {
        let glued = text.is_empty()
            || text.ends_with(['<', ':', '(', '&', '['])
            || token.starts_with(['<', '>', ',', ':', ')', ';', ']', '('])
            || (token.starts_with(':') && !token.starts_with("::"));
        if !glued {
            text.push(' ');
        }
        text.push_str(token);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_spelled_as_people_write_them() {
        assert_eq!(spelled(&quote!(Result<shop::Order, Vec<u8>>)), "Result<shop::Order, Vec<u8>>");
        assert_eq!(spelled(&quote!((A, B))), "(A, B)");
        assert_eq!(spelled(&quote!(&'a [u8; 4])), "&'a [u8; 4]");
    }
}
