//! How generated code names what it needs of swit, and where it says it stands.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Path, spanned::Spanned};

use crate::{parsing::Keys, report::Errors};

/// The hidden module that generated code names: `::swit::__private`, or that of the path given as `crate = …`.
pub(crate) struct Private {
    path: TokenStream,
    /// Whether the user gave it: then it resolves where the user wrote it.
    given: bool,
}

impl Private {
    /// Takes `crate` out of the keys.
    pub(crate) fn read(keys: &mut Keys<'_>, errors: &Errors) -> Self {
        match keys.take("crate").and_then(|entry| entry.path(errors)) {
            Some(path) => Self::of(&path),
            None => Self { path: quote!(::swit::__private), given: false },
        }
    }

    /// The hidden module of a path to swit.
    pub(crate) fn of(path: &Path) -> Self {
        Self { path: quote!(#path::__private), given: true }
    }

    /// The path, as if it were written at these tokens: an error of what it names stands there, not at the attribute.
    pub(crate) fn at(&self, tokens: &impl ToTokens) -> Self {
        self.located(tokens.span())
    }

    /// The path, as if it were written there.
    pub(crate) fn located(&self, span: Span) -> Self {
        let respan = |mut token: TokenTree| {
            // Where the user gave the path, in a macro perhaps, it must go on resolving there.
            token.set_span(if self.given { token.span().located_at(span) } else { span });
            token
        };
        Self { path: self.path.clone().into_iter().map(respan).collect(), given: self.given }
    }
}

impl ToTokens for Private {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.path.to_tokens(tokens);
    }
}

/// The first and the last token of what the user wrote. An expression that begins at the one and ends at the other is
/// underlined as a whole, and two errors of the same thing there are told as one.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Where the item stands; written so that it is evaluated at the user's item.
pub(crate) fn location(private: &Private) -> TokenStream {
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
pub(crate) fn spelled(tokens: &impl ToTokens) -> String {
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
