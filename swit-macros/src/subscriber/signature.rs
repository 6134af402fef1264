//! The signature of a handler.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

use crate::{
    function::{Function, Role},
    report::Errors,
};

pub(super) const ROLE: Role = Role {
    attribute: "#[subscriber]",
    is: "a handler",
    not_async: "write `async fn`, or add `blocking` to run it on the blocking pool: `#[subscriber(…, blocking)]`",
};

/// A function that can be a handler.
pub(crate) struct Handler {
    pub(crate) function: Function,
    pub(crate) arguments: Vec<Type>,
    pub(crate) returns: Type,
    /// Whether a return type is written.
    pub(crate) says_return: bool,
    /// What happens in the place of the function's call, where the function is a saga's.
    pub(crate) then: Option<Then>,
}

/// What happens once the arguments are there, `__argument_0` and so on.
pub(crate) struct Then {
    /// Statements that come to an `Outcome`.
    pub(crate) code: TokenStream,
    /// The types of what it takes out of the delivery beside the arguments.
    pub(crate) requires: Vec<TokenStream>,
}

impl Handler {
    /// Reads and checks the function.
    pub(crate) fn read(item: TokenStream, role: &Role, blocking: bool, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, role, errors)?;
        function.check(role, !blocking, errors);
        let arguments = function.argument_types(0, role, errors).into_iter().cloned().collect();
        let returns = function.returns(errors).cloned();
        let says_return = returns.is_some();
        let returns = returns.unwrap_or_else(|| syn::parse_quote!(()));
        Some(Self { function, arguments, returns, says_return, then: None })
    }

    pub(crate) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
