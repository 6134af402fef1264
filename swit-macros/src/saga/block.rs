//! The impl block under `#[saga]`: its head, and the attributes and signatures of its functions. Bodies are never looked at.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::{
    Attribute, Generics, Signature, Token, Type, Visibility, braced,
    parse::{ParseStream, Parser, discouraged::Speculative},
    token::Brace,
};

use crate::{
    function::{Function, looks_like_a_function},
    report::Errors,
};

/// Attributes that say what a function of a saga is.
const OF_FUNCTIONS: &[&str] = &["start", "step", "wait", "compensation"];
/// Attributes of their arguments.
const OF_ARGUMENTS: &[&str] = &["output"];

/// The block, as far as it was read.
pub(super) struct Block {
    pub(super) attributes: Vec<Attribute>,
    pub(super) ty: Type,
    pub(super) functions: Vec<Function>,
}

impl Block {
    /// Reads the block; reports one that can be no saga.
    pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Self> {
        let parse = |input: ParseStream<'_>| {
            let attributes = Attribute::parse_outer(input)?;
            let unsafety = input.parse::<Option<Token![unsafe]>>()?;
            if !input.peek(Token![impl]) {
                let help = "write `#[saga(key = …)]` on `impl PlaceOrder { … }`, with `#[step(…)]` on each function that is one";
                return Err(input.error(format!("`#[saga]` goes on an impl block\nhelp: {help}")));
            }
            if let Some(keyword) = unsafety {
                errors.at(keyword, "the impl block of a saga is not unsafe", "remove `unsafe`");
            }
            input.parse::<Token![impl]>()?;
            let generics = input.parse::<Generics>()?;
            if !generics.params.is_empty() {
                let help = "write one for each type; what they share goes into functions that they call";
                errors.at(&generics, "a saga is registered once, for one type, but this impl block is generic", help);
            }
            let ty = input.parse::<Type>()?;
            if let Some(keyword) = input.parse::<Option<Token![for]>>()? {
                let help = "write it on an impl block of the type itself: `impl PlaceOrder { … }`";
                let span = TokenStream::from_iter([quote::quote!(#ty), quote::quote!(#keyword)]);
                errors.at(span, "`#[saga]` goes on an impl block of a type, and not of a trait for it", help);
                input.parse::<TokenStream>()?;
                return Ok(None);
            }
            if input.peek(Token![where]) {
                let clause = input.parse::<syn::WhereClause>()?;
                errors.at(
                    clause,
                    "the impl block of a saga has no type parameters to say something about",
                    "remove it",
                );
            }
            let content;
            braced!(content in input);
            Ok(Some(Self { attributes, ty, functions: functions(&content)? }))
        };
        errors.keep(parse.parse2(item)).flatten()
    }
}

fn functions(input: ParseStream<'_>) -> syn::Result<Vec<Function>> {
    let mut found = Vec::new();
    while !input.is_empty() {
        let attributes = Attribute::parse_outer(input)?;
        let visibility: Visibility = input.parse()?;
        let ahead = input.fork();
        match ahead.parse::<Signature>() {
            Ok(signature) => {
                input.advance_to(&ahead);
                found.push(Function { attributes, visibility, signature });
            }
            Err(_) if looks_like_a_function(input) => {
                input.parse::<Signature>()?;
            }
            Err(_) => {}
        }
        rest_of_an_item(input)?;
    }
    Ok(found)
}

/// Up to the end of an item: a body, or a semicolon.
fn rest_of_an_item(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() {
        let is_end = input.peek(Token![;]) || input.peek(Brace);
        input.parse::<TokenTree>()?;
        if is_end {
            break;
        }
    }
    Ok(())
}

/// The block without the attributes that are the macro's, whatever else may be wrong with it.
pub(crate) fn plain(item: TokenStream) -> TokenStream {
    let inside = |group: &Group| (group.delimiter() == Delimiter::Brace).then(|| without(OF_FUNCTIONS, group.stream()));
    groups(item, inside)
}

/// A level of tokens without these attributes. Between parentheses stand arguments.
fn without(attributes: &[&str], tokens: TokenStream) -> TokenStream {
    let mut kept: Vec<TokenTree> = Vec::new();
    for token in tokens {
        if is_one_of(attributes, &token) && kept.last().is_some_and(is_hash) {
            kept.pop();
        } else {
            kept.push(token);
        }
    }
    let inside = |group: &Group| match group.delimiter() {
        Delimiter::Parenthesis => Some(without(OF_ARGUMENTS, group.stream())),
        // What a macro handed on.
        Delimiter::None => Some(without(attributes, group.stream())),
        Delimiter::Brace | Delimiter::Bracket => None,
    };
    groups(kept.into_iter().collect(), inside)
}

/// The tokens, with other insides where there are some.
fn groups(tokens: TokenStream, inside: impl Fn(&Group) -> Option<TokenStream>) -> TokenStream {
    let other = |token| match token {
        TokenTree::Group(group) => match inside(&group) {
            Some(stream) => {
                let mut other = Group::new(group.delimiter(), stream);
                other.set_span(group.span());
                TokenTree::Group(other)
            }
            None => TokenTree::Group(group),
        },
        token => token,
    };
    tokens.into_iter().map(other).collect()
}

fn is_hash(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '#')
}

fn is_one_of(attributes: &[&str], token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(word)) if attributes.iter().any(|attribute| word == attribute))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn only_the_macros_own_attributes_go() {
        let item = quote! {
            #[cfg(unix)]
            impl PlaceOrder {
                #[step(compensate = release)]
                #[inline]
                async fn reserve(&self, #[allow(unused)] #[output(x)] tx: Tx) -> Result<(), E> { #[step] let _ = a[start]; }
                #[compensation]
                fn release(&self) {}
                const N: [u8; 1] = [start];
            }
        };
        let expected = quote! {
            #[cfg(unix)]
            impl PlaceOrder {
                #[inline]
                async fn reserve(&self, #[allow(unused)] tx: Tx) -> Result<(), E> { #[step] let _ = a[start]; }
                fn release(&self) {}
                const N: [u8; 1] = [start];
            }
        };
        assert_eq!(plain(item).to_string(), expected.to_string());
    }

    #[test]
    fn functions_are_read_whatever_stands_between_them_and_in_them() {
        let item = quote! {
            impl shop::PlaceOrder {
                const N: u8 = { 1 };
                type T = [u8; 2];
                #[step]
                pub(crate) async fn reserve(&self) -> Result<(), E> { half typed . }
                macro_call! { x }
                fn plain() {}
            }
        };
        let errors = Errors::new();
        let block = Block::read(item, &errors).expect("a block");
        errors.finish().unwrap();
        let names: Vec<_> = block.functions.iter().map(Function::name).collect();
        assert_eq!(names, ["reserve", "plain"]);
    }
}
