//! The errors of one expansion: collected, so that all are reported at once, and never dropped unchecked.

use std::cell::RefCell;

use proc_macro2::TokenStream;
use quote::ToTokens;
use swit_grammar::Fault;

/// Collects errors; [`finish`](Self::finish) must be called, or dropping panics.
pub(crate) struct Errors {
    /// `None` once finished.
    found: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    pub(crate) fn new() -> Self {
        Self { found: RefCell::new(Some(Vec::new())) }
    }

    /// An error under these tokens, with what to do about it.
    pub(crate) fn at(&self, tokens: impl ToTokens, message: impl std::fmt::Display, help: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, format!("{message}\nhelp: {help}")));
    }

    /// A refused value under these tokens.
    pub(crate) fn fault(&self, tokens: impl ToTokens, fault: &Fault) {
        self.at(tokens, &fault.message, &fault.help);
    }

    pub(crate) fn push(&self, error: syn::Error) {
        if let Some(found) = &mut *self.found.borrow_mut() {
            found.push(error);
        }
    }

    /// The value of a result; its error is collected.
    pub(crate) fn keep<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// Whether something was found so far.
    pub(crate) fn any(&self) -> bool {
        self.found.borrow().as_ref().is_some_and(|found| !found.is_empty())
    }

    /// How much was found so far.
    pub(crate) fn count(&self) -> usize {
        self.found.borrow().as_ref().map_or(0, Vec::len)
    }

    /// Everything that was found, as `compile_error!`s; `Ok` if that is nothing.
    pub(crate) fn finish(self) -> Result<(), TokenStream> {
        let found = self.found.borrow_mut().take().unwrap_or_default();
        if found.is_empty() { Ok(()) } else { Err(found.iter().map(syn::Error::to_compile_error).collect()) }
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        // A bug of the macro, which `guard` turns into an error that asks for a report.
        assert!(
            self.found.borrow().is_none() || std::thread::panicking(),
            "the errors of an expansion were dropped unchecked"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn all_errors_are_reported() {
        let errors = Errors::new();
        errors.at(quote!(a), "first", "x");
        errors.at(quote!(b), "second", "y");
        let text = errors.finish().expect_err("two errors").to_string();
        assert!(text.contains("first") && text.contains("second"), "{text}");
    }

    #[test]
    #[should_panic(expected = "dropped unchecked")]
    fn dropping_unchecked_panics() {
        drop(Errors::new());
    }
}
