//! The values of keys. Each reader reports what is wrong at the value and answers `None`.

use std::time::Duration;

use proc_macro2::{Delimiter, Group, TokenTree};
use swit_grammar::{Backoff, Fault, duration};
use syn::{Ident, LitBool, LitInt, LitStr, Path, Token, Type, punctuated::Punctuated};

use super::{Entry, Form, backoff};
use crate::report::Errors;

impl Entry {
    /// Says what the key takes, under what was written.
    pub(crate) fn refuse(&self, takes: &str, example: &str, errors: &Errors) {
        let key = self.name();
        errors.at(self.value_tokens(), format_args!("`{key}` takes {takes}"), format_args!("write `{example}`"));
    }

    /// A bare key.
    pub(crate) fn flag(&self, errors: &Errors) -> bool {
        let bare = matches!(self.form, Form::Flag);
        if !bare {
            let key = self.name();
            let message = format_args!("`{key}` takes no value");
            errors.at(self.value_tokens(), message, format_args!("write `{key}` alone, or leave it out"));
        }
        bare
    }

    fn parse<T: syn::parse::Parse>(&self) -> Option<T> {
        match &self.form {
            Form::Value(tokens) => syn::parse2(tokens.clone()).ok(),
            Form::Flag | Form::List(_) => None,
        }
    }

    /// `key = "text"`
    pub(crate) fn string(&self, errors: &Errors) -> Option<LitStr> {
        let text = self.parse::<LitStr>();
        if text.is_none() {
            self.refuse("a string", &format!("{} = \"…\"", self.name()), errors);
        }
        text
    }

    /// `key = "text"`, checked by the grammar.
    pub(crate) fn checked(&self, check: fn(&str) -> Result<(), Fault>, errors: &Errors) -> Option<LitStr> {
        let text = self.string(errors)?;
        match check(&text.value()) {
            Ok(()) => Some(text),
            Err(fault) => {
                errors.fault(&text, &fault);
                None
            }
        }
    }

    /// `key = ["text", …]`, with the brackets for what concerns the whole list.
    pub(crate) fn strings(&self, example: &str, errors: &Errors) -> Option<(Vec<LitStr>, Group)> {
        let list = self.bracketed().and_then(|group| {
            let parse = |input: syn::parse::ParseStream<'_>| Punctuated::<LitStr, Token![,]>::parse_terminated(input);
            let strings = syn::parse::Parser::parse2(parse, group.stream()).ok()?;
            Some((strings.into_iter().collect(), group))
        });
        if list.is_none() {
            self.refuse("a list of strings", example, errors);
        }
        list
    }

    /// `key = [path, …]`
    pub(crate) fn paths(&self, example: &str, errors: &Errors) -> Option<Vec<Path>> {
        let list = self.bracketed().and_then(|group| {
            let parse = |input: syn::parse::ParseStream<'_>| Punctuated::<Path, Token![,]>::parse_terminated(input);
            Some(syn::parse::Parser::parse2(parse, group.stream()).ok()?.into_iter().collect())
        });
        if list.is_none() {
            self.refuse("a list of paths", example, errors);
        }
        list
    }

    fn bracketed(&self) -> Option<Group> {
        let Form::Value(tokens) = &self.form else { return None };
        let mut tokens = tokens.clone().into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::Bracket => Some(group),
            _ => None,
        }
    }

    /// `key = 3`
    pub(crate) fn integer<N: std::str::FromStr>(&self, errors: &Errors) -> Option<N> {
        let key = self.name();
        let negative = match &self.form {
            Form::Value(tokens) => {
                let mut tokens = tokens.clone().into_iter();
                let minus = matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '-');
                minus.then(|| syn::parse2::<LitInt>(tokens.collect()).ok()).flatten()
            }
            Form::Flag | Form::List(_) => None,
        };
        let digits = match (negative, self.parse::<LitInt>()) {
            (Some(number), _) if number.suffix().is_empty() => format!("-{}", number.base10_digits()),
            (None, Some(number)) if number.suffix().is_empty() => number.base10_digits().to_owned(),
            _ => {
                self.refuse("a whole number", &format!("{key} = 3"), errors);
                return None;
            }
        };
        let number = digits.parse().ok();
        if number.is_none() {
            let help = format_args!("write a number that is in range, such as `{key} = 3`");
            errors.at(self.value_tokens(), format_args!("`{key}` is {digits}, which is out of range"), help);
        }
        number
    }

    /// `key = [1, 2]`, each number with its literal.
    pub(crate) fn integers(&self, example: &str, errors: &Errors) -> Option<Vec<(u32, LitInt)>> {
        let list = self.bracketed().and_then(|group| {
            let parse = |input: syn::parse::ParseStream<'_>| Punctuated::<LitInt, Token![,]>::parse_terminated(input);
            let literals = syn::parse::Parser::parse2(parse, group.stream()).ok()?;
            literals.into_iter().map(|literal| Some((literal.base10_parse().ok()?, literal))).collect()
        });
        if list.is_none() {
            self.refuse("a list of whole numbers", example, errors);
        }
        list
    }

    /// `key = some_word`
    pub(crate) fn word(&self, takes: &str, example: &str, errors: &Errors) -> Option<Ident> {
        let word = self.parse::<Ident>();
        if word.is_none() {
            self.refuse(takes, example, errors);
        }
        word
    }

    /// `key = true`
    pub(crate) fn boolean(&self, errors: &Errors) -> Option<bool> {
        let value = self.parse::<LitBool>();
        if value.is_none() {
            self.refuse("`true` or `false`", &format!("{} = false", self.name()), errors);
        }
        value.map(|value| value.value)
    }

    /// `key = some::path`
    pub(crate) fn path(&self, errors: &Errors) -> Option<Path> {
        let path = match &self.form {
            Form::Value(tokens) => {
                syn::parse::Parser::parse2(Path::parse_mod_style, tokens.clone()).ok().or_else(|| self.parse::<Path>())
            }
            Form::Flag | Form::List(_) => None,
        };
        if path.is_none() {
            self.refuse("a path", &format!("{} = some::path", self.name()), errors);
        }
        path
    }

    /// `key = SomeType`
    pub(crate) fn ty(&self, errors: &Errors) -> Option<Type> {
        let ty = self.parse::<Type>();
        if ty.is_none() {
            self.refuse("a type", &format!("{} = SomeType", self.name()), errors);
        }
        ty
    }

    /// `key = "30s"`
    pub(crate) fn duration(&self, errors: &Errors) -> Option<Duration> {
        let Some(text) = self.parse::<LitStr>() else {
            self.refuse("a duration in quotation marks", &format!("{} = \"30s\"", self.name()), errors);
            return None;
        };
        match duration::parse(&text.value()) {
            Ok(duration) => Some(duration),
            Err(fault) => {
                errors.fault(text, &fault);
                None
            }
        }
    }

    /// `key = exponential("1s", max = "30s")` and the like.
    pub(crate) fn backoff(&self, errors: &Errors) -> Option<Backoff> {
        match &self.form {
            Form::Value(tokens) => backoff::read(tokens, errors),
            Form::Flag | Form::List(_) => {
                errors.at(self.value_tokens(), "`backoff` takes a backoff", backoff::HELP);
                None
            }
        }
    }
}
