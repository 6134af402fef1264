//! The signature of a health check: `async fn(arguments…) -> Result<(), E>`.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

use crate::{
    function::{Function, Role},
    report::Errors,
};

const ROLE: Role = Role {
    attribute: "#[health_check]",
    is: "a health check",
    not_async: "write `async fn`; what blocks goes through `tokio::task::spawn_blocking`",
};

/// A function that can be a health check.
pub(super) struct CheckFn {
    pub(super) function: Function,
    pub(super) arguments: Vec<Type>,
    pub(super) returns: Type,
}

impl CheckFn {
    /// Reads and checks the function.
    pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, &ROLE, errors)?;
        function.check(&ROLE, true, errors);
        let arguments = function.argument_types(0, &ROLE, errors).into_iter().cloned().collect();
        let returns = function.returns(errors).cloned();
        if returns.is_none() {
            let name = function.name();
            let help = "return `Result<(), E>`: an error is what the health page shows";
            errors.at(&function.signature.ident, format_args!("`{name}` can't say that something is wrong"), help);
        }
        Some(Self { arguments, returns: returns?, function })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
