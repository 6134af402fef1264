//! The signature of a handler.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

use crate::{
    function::{Function, Role},
    report::Errors,
};

const ROLE: Role = Role {
    attribute: "#[subscriber]",
    is: "a handler",
    not_async: "write `async fn`, or add `blocking` to run it on the blocking pool: `#[subscriber(…, blocking)]`",
};

/// A function that can be a handler.
pub(super) struct Handler {
    pub(super) function: Function,
    pub(super) arguments: Vec<Type>,
    pub(super) returns: Type,
    /// Whether a return type is written.
    pub(super) says_return: bool,
}

impl Handler {
    /// Reads and checks the function.
    pub(super) fn read(item: TokenStream, blocking: bool, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, &ROLE, errors)?;
        function.check(&ROLE, !blocking, errors);
        let arguments = function.argument_types(0, &ROLE, errors).into_iter().cloned().collect();
        let returns = function.returns(errors).cloned();
        let says_return = returns.is_some();
        let returns = returns.unwrap_or_else(|| syn::parse_quote!(()));
        Some(Self { function, arguments, returns, says_return })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
