//! The signature of a provider: `async fn(arguments…) -> Result<T, E>`.

use proc_macro2::TokenStream;
use syn::{Ident, Type};

use crate::{
    function::{Function, Role},
    report::Errors,
};

const ROLE: Role = Role {
    attribute: "#[provider]",
    is: "a provider",
    not_async: "write `async fn`; what blocks goes through `tokio::task::spawn_blocking`",
};

/// A function that can be a provider.
pub(super) struct ProviderFn {
    pub(super) function: Function,
    pub(super) arguments: Vec<Type>,
    pub(super) returns: Type,
}

impl ProviderFn {
    /// Reads and checks the function.
    pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, &ROLE, errors)?;
        function.check(&ROLE, true, errors);
        let arguments = function.argument_types(0, &ROLE, errors).into_iter().cloned().collect();
        let returns = function.returns(errors).cloned();
        if returns.is_none() {
            let name = function.name();
            let help = "return `Result<T, E>`, where `T` is the state that handlers take as `State<T>`";
            errors.at(&function.signature.ident, format_args!("`{name}` provides nothing"), help);
        }
        Some(Self { arguments, returns: returns?, function })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
