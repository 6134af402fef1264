//! The signature of middleware: `async fn(cx: &mut Context, next: Next<'_>, extractors…) -> Outcome`.

use proc_macro2::TokenStream;
use syn::{FnArg, Ident, Type};

use crate::{
    function::{Function, Role},
    report::Errors,
};

const ROLE: Role = Role {
    attribute: "#[middleware]",
    is: "middleware",
    not_async: "write `async fn`, and `next.run(cx).await` inside",
};

const SHAPE: &str = "write `async fn name(cx: &mut Context, next: Next<'_>) -> Outcome`";

/// A function that can be middleware.
pub(super) struct MiddlewareFn {
    pub(super) function: Function,
    /// The types after `next`.
    pub(super) extractors: Vec<Type>,
    pub(super) returns: Type,
}

impl MiddlewareFn {
    /// Reads and checks the function.
    pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, &ROLE, errors)?;
        function.check(&ROLE, true, errors);
        let extractors = function.argument_types(2, &ROLE, errors).into_iter().cloned().collect();
        let name = function.name();
        let inputs = &function.signature.inputs;
        let mut typed = inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        });
        match (typed.next(), typed.next()) {
            (Some(cx), Some(next)) => {
                if !matches!(cx, Type::Reference(reference) if reference.mutability.is_some()) {
                    errors.at(cx, format_args!("`{name}` does not take `&mut Context` first"), SHAPE);
                }
                if matches!(next, Type::Reference(_)) {
                    errors.at(next, format_args!("`{name}` borrows `next`, which is its own"), SHAPE);
                }
            }
            _ if inputs.first().is_some_and(|first| matches!(first, FnArg::Receiver(_))) => {}
            _ => errors.at(
                &function.signature.ident,
                format_args!("`{name}` does not take the context and the rest of the chain"),
                SHAPE,
            ),
        }
        let returns = function.returns(errors).cloned();
        if returns.is_none() {
            let message = format_args!("`{name}` returns nothing; what becomes of the message is an `Outcome`");
            errors.at(&function.signature.ident, message, SHAPE);
        }
        Some(Self { extractors, returns: returns?, function })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
