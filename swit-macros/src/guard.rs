//! What stands around every macro: the user's item comes out whatever happens, and a panic becomes an error.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proc_macro2::TokenStream;
use quote::quote;

use crate::{hygiene, report::Errors};

/// Expands an attribute: the item, unchanged, then what was generated or every error that was found.
pub(crate) fn attribute(
    item: proc_macro::TokenStream,
    expand: impl FnOnce(TokenStream, &Errors) -> Option<TokenStream>,
) -> proc_macro::TokenStream {
    let item = TokenStream::from(item);
    let generated = guarded(|errors| Some(hygiene::own(expand(item.clone(), errors)?, &item)));
    quote!(#item #generated).into()
}

/// Expands an attribute with others inside of its item: the item without them, then as [`attribute`].
pub(crate) fn outer_attribute(
    item: proc_macro::TokenStream,
    plain: impl FnOnce(TokenStream) -> TokenStream,
    expand: impl FnOnce(TokenStream, &Errors) -> Option<TokenStream>,
) -> proc_macro::TokenStream {
    let item = TokenStream::from(item);
    let generated = guarded(|errors| Some(hygiene::own(expand(item.clone(), errors)?, &item)));
    let item = plain(item);
    quote!(#item #generated).into()
}

/// Expands a derive or a function-like macro: what was generated, or every error that was found.
pub(crate) fn items(
    input: proc_macro::TokenStream,
    expand: impl FnOnce(TokenStream, &Errors) -> Option<TokenStream>,
) -> proc_macro::TokenStream {
    let input = TokenStream::from(input);
    guarded(|errors| Some(hygiene::own(expand(input.clone(), errors)?, &input))).into()
}

fn guarded(expand: impl FnOnce(&Errors) -> Option<TokenStream>) -> TokenStream {
    let expansion = catch_unwind(AssertUnwindSafe(|| {
        let errors = Errors::new();
        let generated = expand(&errors);
        match (errors.finish(), generated) {
            (Err(found), _) => found,
            (Ok(()), Some(generated)) => generated,
            (Ok(()), None) => panic!("nothing was generated and nothing was reported"),
        }
    }));
    expansion.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let text = format!(
            "swit's macro panicked: {}\nhelp: this is a bug of swit, please report it with this item: https://github.com/swit-rs/swit/issues",
            why.unwrap_or("no reason was given")
        );
        quote!(::core::compile_error!(#text);)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_asks_for_a_report() {
        let text = guarded(|_| panic!("on purpose")).to_string();
        assert!(text.contains("compile_error") && text.contains("on purpose") && text.contains("report"), "{text}");
    }

    #[test]
    fn nothing_generated_and_nothing_reported_is_a_bug() {
        assert!(guarded(|_| None).to_string().contains("please report"));
    }

    #[test]
    fn errors_win_over_what_was_generated() {
        let text = guarded(|errors| {
            errors.at(quote!(x), "wrong", "right");
            Some(quote!(
                struct Generated;
            ))
        });
        assert!(!text.to_string().contains("Generated"), "{text}");
    }
}
