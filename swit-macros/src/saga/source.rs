//! A word of an attribute that says where a text comes from: a function of the block, or else a field.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{FnArg, ReceiverKind, Type};

use super::validate::Functions;
use crate::{function::Function, report::Errors};

/// Where a text comes from.
pub(super) enum Source {
    Function(Ident),
    /// What has none is reported by the compiler, which knows the type's fields.
    Field(Ident),
}

/// What the text is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// What an instance was started with.
    Saga,
    /// The event that a wait takes.
    Event,
}

impl Source {
    /// Resolves the word of this key.
    pub(super) fn resolve(key: &str, word: Ident, of: Of, functions: &Functions, errors: &Errors) -> Self {
        if let Some(marked) = functions.marked().find(|marked| *marked.ident() == word) {
            let message = format_args!("`{key}` is `{word}`, which has `{}`", marked.kind.attribute());
            errors.at(&word, message, help(of, &word));
        } else if let Some(function) = functions.plain.iter().find(|function| function.signature.ident == word) {
            if !fits(function, of) {
                let what = if of == Of::Saga { "`&self`" } else { "the event by reference" };
                let message =
                    format_args!("`{key}` is `{word}`, which is no plain function that takes {what} and nothing else");
                errors.at(&word, message, help(of, &word));
            }
            return Self::Function(word);
        }
        Self::Field(word)
    }

    /// The text, of an expression that is a reference.
    pub(super) fn text(&self, value: &TokenStream, ty: &Type) -> TokenStream {
        match self {
            Self::Function(word) => {
                let ty = at(ty, word);
                quote_spanned!(word.span()=> ::std::string::ToString::to_string(&<#ty>::#word(#value)))
            }
            Self::Field(word) => quote_spanned!(word.span()=> ::std::string::ToString::to_string(&(#value).#word)),
        }
    }
}

/// The type, as if it were written at the word: what is wrong with the call is shown there.
fn at(ty: &Type, word: &Ident) -> TokenStream {
    let tokens = ty.to_token_stream().into_iter().map(|mut token| {
        token.set_span(token.span().located_at(word.span()));
        token
    });
    tokens.collect()
}

fn help(of: Of, word: &Ident) -> String {
    match of {
        Of::Saga => format!("name a field, or a function such as `fn {word}(&self) -> String`"),
        Of::Event => {
            "name a field of the event, or a function such as `fn order_of(event: &OrderShipped) -> String`".to_owned()
        }
    }
}

/// Whether it can be asked.
fn fits(function: &Function, of: Of) -> bool {
    let signature = &function.signature;
    let takes = match (signature.inputs.first(), of) {
        (Some(FnArg::Receiver(receiver)), Of::Saga) => matches!(receiver.kind, ReceiverKind::Reference(_, _, None)),
        (Some(FnArg::Typed(typed)), Of::Event) => {
            matches!(&*typed.ty, Type::Reference(reference) if reference.mutability.is_none())
        }
        _ => false,
    };
    takes && signature.inputs.len() == 1 && signature.asyncness.is_none()
}
