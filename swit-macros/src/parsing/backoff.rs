//! `backoff = exponential("1s", max = "30s", factor = 2, jitter = 0.1)` and the other three.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use swit_grammar::{Backoff, Jitter, duration, nearest::nearest};
use syn::{
    Ident, Lit, LitStr, Token,
    ext::IdentExt as _,
    parenthesized,
    parse::{ParseStream, Parser},
    token::Paren,
};

use crate::report::Errors;

pub(super) const HELP: &str =
    "write `exponential(\"1s\", max = \"30s\", factor = 2, jitter = 0.1)`, `linear(\"1s\")`, `fixed(\"1s\")` or `none`";

/// What is written, before anything is checked.
struct Raw {
    kind: Ident,
    arguments: Option<Vec<Argument>>,
}

struct Argument {
    name: Option<Ident>,
    value: Lit,
    /// A word without quotation marks stands there.
    is_bare: bool,
}

/// Reads a backoff; what is wrong is reported at the argument.
pub(super) fn read(tokens: &TokenStream, errors: &Errors) -> Option<Backoff> {
    let Ok(raw) = parse.parse2(tokens.clone()) else {
        errors.at(tokens, "this is not a backoff", HELP);
        return None;
    };
    if let Some((name, bare)) = raw.arguments.iter().flatten().find_map(|argument| {
        let (true, Lit::Str(word)) = (argument.is_bare, &argument.value) else { return None };
        Some((argument.name.as_ref()?, word))
    }) {
        let word = bare.value();
        errors.at(bare, format_args!("`{word}` needs quotation marks"), format_args!("write `{name} = \"{word}\"`"));
        return None;
    }
    let kind = raw.kind.to_string();
    let backoff = match kind.as_str() {
        "none" if raw.arguments.is_some() => {
            errors.at(tokens, "`none` takes no arguments", "write `none`");
            return None;
        }
        "none" => Backoff::None,
        "linear" => {
            let (step, jitter) = steady(&raw, errors)?;
            Backoff::Linear { step, jitter }
        }
        "fixed" => {
            let (wait, jitter) = steady(&raw, errors)?;
            Backoff::Fixed { wait, jitter }
        }
        "exponential" => exponential(&raw, errors)?,
        _ => {
            let help = nearest(&kind, ["exponential", "linear", "fixed", "none"])
                .map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"));
            errors.at(&raw.kind, format_args!("`{kind}` is not a backoff"), help);
            return None;
        }
    };
    match backoff.check() {
        Ok(()) => Some(backoff),
        Err(fault) => {
            errors.fault(tokens, &fault);
            None
        }
    }
}

fn parse(input: ParseStream<'_>) -> syn::Result<Raw> {
    let kind = input.parse::<Ident>()?.unraw();
    let arguments = if input.peek(Paren) {
        let content;
        parenthesized!(content in input);
        let arguments = content.parse_terminated(argument, Token![,])?;
        Some(arguments.into_iter().collect())
    } else {
        None
    };
    Ok(Raw { kind, arguments })
}

fn argument(input: ParseStream<'_>) -> syn::Result<Argument> {
    let name = if input.peek(syn::Ident) {
        let name = input.parse::<Ident>()?.unraw();
        input.parse::<Token![=]>()?;
        Some(name)
    } else {
        None
    };
    if input.peek(syn::Ident) {
        let word = input.parse::<Ident>()?.unraw();
        return Ok(Argument { name, value: Lit::Str(LitStr::new(&word.to_string(), word.span())), is_bare: true });
    }
    Ok(Argument { name, value: input.parse()?, is_bare: false })
}

/// The first argument, which all but `none` need.
fn first(raw: &Raw, errors: &Errors) -> Option<Duration> {
    if let Some(Argument { name: None, value, .. }) = raw.arguments.as_deref().and_then(<[Argument]>::first) {
        return wait(value, errors);
    }
    let kind = &raw.kind;
    errors.at(kind, format_args!("`{kind}` needs its first wait"), format_args!("write `{kind}(\"1s\")`"));
    None
}

/// The one wait of `linear` and `fixed`, and their jitter.
fn steady(raw: &Raw, errors: &Errors) -> Option<(Duration, Jitter)> {
    let wait = first(raw, errors)?;
    let mut found = None;
    for argument in raw.arguments.iter().flatten().skip(1) {
        let kind = &raw.kind;
        let help = format_args!("write `{kind}(\"1s\")` or `{kind}(\"1s\", jitter = \"full\")`");
        let message = format_args!("`{kind}` takes one wait, `jitter` and nothing else");
        match &argument.name {
            Some(name) if name == "jitter" => {
                if found.replace(jitter(&argument.value, errors)?).is_some() {
                    errors.at(name, "`jitter` is given twice", "keep one of them");
                    return None;
                }
            }
            Some(name) => {
                errors.at(name, message, help);
                return None;
            }
            None => {
                errors.at(&argument.value, message, help);
                return None;
            }
        }
    }
    let jitter = found.unwrap_or(Jitter::NONE);
    Some((wait, jitter))
}

fn exponential(raw: &Raw, errors: &Errors) -> Option<Backoff> {
    let first = first(raw, errors)?;
    let (mut max, mut factor, mut jitter) = (None, None, None);
    let mut fine = true;
    for argument in raw.arguments.iter().flatten().skip(1) {
        let Some(name) = &argument.name else {
            errors.at(&argument.value, "a second wait has no name", "write `max = \"30s\"`");
            fine = false;
            continue;
        };
        let seen = match name.to_string().as_str() {
            "max" => max.replace(wait(&argument.value, errors)?).is_some(),
            "factor" => factor.replace(number(&argument.value, errors)?).is_some(),
            "jitter" => jitter.replace(self::jitter(&argument.value, errors)?).is_some(),
            other => {
                let help = nearest(other, ["max", "factor", "jitter"])
                    .map_or_else(|| HELP.to_owned(), |near| format!("did you mean `{near}`?"));
                errors.at(name, format_args!("`exponential` has no argument `{other}`"), help);
                fine = false;
                false
            }
        };
        if seen {
            errors.at(name, format_args!("`{name}` is given twice"), "keep one of them");
            fine = false;
        }
    }
    fine.then(|| Backoff::exponential(first, max, factor, jitter))
}

/// A word in quotation marks, or a share.
fn jitter(value: &Lit, errors: &Errors) -> Option<Jitter> {
    let jitter = if let Lit::Str(word) = value {
        Jitter::parse(&word.value())
    } else {
        let jitter = Jitter::Share(number(value, errors)?);
        jitter.check().map(|()| jitter)
    };
    jitter.map_err(|fault| errors.fault(value, &fault)).ok()
}

fn wait(value: &Lit, errors: &Errors) -> Option<Duration> {
    let Ok(text) = syn::parse2::<LitStr>(value.to_token_stream()) else {
        errors.at(value, "a wait is a duration in quotation marks", "write \"1s\"");
        return None;
    };
    match duration::parse(&text.value()) {
        Ok(wait) => Some(wait),
        Err(fault) => {
            errors.fault(value, &fault);
            None
        }
    }
}

fn number(value: &Lit, errors: &Errors) -> Option<f64> {
    let number = match value {
        Lit::Int(number) => number.base10_parse().ok(),
        Lit::Float(number) => number.base10_parse().ok(),
        _ => None,
    };
    if number.is_none() {
        errors.at(value, "this is not a number", "write a number such as 2 or 0.1");
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn of(tokens: &TokenStream) -> Result<Option<Backoff>, String> {
        let errors = Errors::new();
        let backoff = read(tokens, &errors);
        errors.finish().map(|()| backoff).map_err(|error| error.to_string())
    }

    #[test]
    fn says_what_the_grammar_says() {
        for (tokens, text) in [
            (quote!(none), "none"),
            (quote!(fixed("1s")), "fixed(1s)"),
            (quote!(r#fixed("1s", r#jitter = "full",)), "fixed(1s, jitter = full,)"),
            (quote!(linear("250ms")), "linear(250ms)"),
            (quote!(exponential("1m")), "exponential(1m)"),
            (quote!(exponential("1s", jitter = "decorrelated")), "exponential(1s, jitter = decorrelated)"),
            (quote!(exponential("1s", factor = 2, jitter = "full")), "exponential(1s, factor = 2, jitter = full)"),
            (quote!(fixed("1s", jitter = "equal")), "fixed(1s, jitter = equal)"),
            (quote!(linear("1s", jitter = 0.2)), "linear(1s, jitter = 0.2)"),
            (
                quote!(exponential("1s", max = "5s", factor = 1.5, jitter = 1)),
                "exponential(1s, max = 5s, factor = 1.5, jitter = 1)",
            ),
        ] {
            assert_eq!(of(&tokens), Ok(Backoff::parse(text).ok()), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for tokens in [
            quote!(3),
            quote!(soon),
            quote!(fixed),
            quote!(fixed()),
            quote!(fixed("1s", "2s")),
            quote!(none("1s")),
            quote!(exponential("2s", max = "1s")),
            quote!(exponential("2s", speed = 3)),
            quote!(exponential("2s", factor = 2, factor = 3)),
            quote!(exponential("2s", "3s")),
            quote!(linear(1)),
        ] {
            assert!(of(&tokens).is_err(), "{tokens}");
        }
        let bare = of(&quote!(fixed("1s", jitter = full))).expect_err("a word");
        assert!(bare.contains("`full` needs quotation marks"), "{bare}");
    }
}
