//! Keeps the names of generated code one name each, also in items that a `macro_rules!` of the user writes.
//!
//! Much of generated code stands at tokens of the user's, so that what the compiler says of it is shown there. But it keeps variables apart
//! that come from a macro and from those who call it: `__message`, written at a name that the macro was handed, is not the one
//! that is written at the macro's own `struct`.

use proc_macro2::{Group, Span, TokenStream, TokenTree};

/// Generated code whose own names, `__like_this` and `self`, mean one thing wherever they stand.
///
/// Only for an item with tokens from here and from there: the price is that what the compiler says of such a name is then shown at the
/// whole macro.
pub(crate) fn own(generated: TokenStream, item: &TokenStream) -> TokenStream {
    let mut contexts = Contexts::default();
    contexts.see(item);
    contexts.see_users(&generated);
    if contexts.are_mixed { resolved(generated) } else { generated }
}

fn resolved(generated: TokenStream) -> TokenStream {
    let resolve = |token| match token {
        TokenTree::Ident(mut name) => {
            let text = name.to_string();
            if text == "self" || text.starts_with("__") {
                name.set_span(Span::call_site().located_at(name.span()));
            }
            TokenTree::Ident(name)
        }
        TokenTree::Group(group) => {
            let mut inside = Group::new(group.delimiter(), resolved(group.stream()));
            inside.set_span(group.span());
            TokenTree::Group(inside)
        }
        other => other,
    };
    generated.into_iter().map(resolve).collect()
}

/// Where tokens come from.
#[derive(Default)]
struct Contexts {
    first: Option<String>,
    are_mixed: bool,
}

impl Contexts {
    /// All of these.
    fn see(&mut self, tokens: &TokenStream) {
        self.look(tokens, &[]);
    }

    /// Those that the user wrote, in an attribute perhaps.
    fn see_users(&mut self, generated: &TokenStream) {
        let own = [Span::call_site(), Span::mixed_site()].map(context);
        self.look(generated, &own);
    }

    fn look(&mut self, tokens: &TokenStream, but: &[Option<String>]) {
        for token in tokens.clone() {
            if self.are_mixed {
                return;
            }
            match &token {
                TokenTree::Group(group) => self.look(&group.stream(), but),
                token => {
                    // One that can't be told may be anything.
                    let context = context(token.span());
                    if context.is_none() || !but.contains(&context) {
                        let first = self.first.get_or_insert_with(|| context.clone().unwrap_or_default());
                        self.are_mixed = context.as_ref() != Some(first);
                    }
                }
            }
        }
    }
}

/// The syntax context of a token. There is no other way to it than how it is shown: `#4 bytes(10..20)`.
fn context(span: Span) -> Option<String> {
    let shown = format!("{span:?}");
    let (context, _) = shown.split_once(' ')?;
    context.starts_with('#').then(|| context.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn names_of_its_own_are_resolved_wherever_they_stand() {
        let tokens = quote!(
            fn x(&self) {
                match __a {
                    [__b] => self.c(__d::<E>()),
                }
            }
        );
        assert_eq!(resolved(tokens.clone()).to_string(), tokens.to_string());
    }

    #[test]
    fn what_can_t_be_told_is_taken_for_mixed() {
        // There is no compiler here to tell it.
        let mut contexts = Contexts::default();
        contexts.see(&quote!(a));
        assert!(contexts.are_mixed);
    }
}
