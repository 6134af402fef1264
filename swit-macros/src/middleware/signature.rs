//! The signature of middleware: `async fn(cx: &mut Context, next: Next<'_>, extractors…) -> Outcome`, and of the
//! publishing side: `async fn(message: &mut Message, next: PublishNext<'_>, extractors…) -> Result<MessageId, PublishError>`.

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

/// What a middleware stands around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Handlers.
    Consume,
    /// Publications: `publish`.
    Publish,
}

impl Side {
    fn shape(self) -> &'static str {
        match self {
            Self::Consume => "write `async fn name(cx: &mut Context, next: Next<'_>) -> Outcome`",
            Self::Publish => {
                "write `async fn name(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError>`"
            }
        }
    }

    /// What the first argument is.
    fn first(self) -> (&'static str, &'static str) {
        match self {
            Self::Consume => ("`&mut Context`", "the context"),
            Self::Publish => ("`&mut Message`", "the message"),
        }
    }

    fn answer(self) -> &'static str {
        match self {
            Self::Consume => "what becomes of the message is an `Outcome`",
            Self::Publish => "its publisher waits for a `Result<MessageId, PublishError>`",
        }
    }
}

/// A function that can be middleware.
pub(super) struct MiddlewareFn {
    pub(super) function: Function,
    /// The types after `next`.
    pub(super) extractors: Vec<Type>,
    pub(super) returns: Type,
}

impl MiddlewareFn {
    /// Reads and checks the function.
    pub(super) fn read(item: TokenStream, side: Side, errors: &Errors) -> Option<Self> {
        let function = Function::read(item, &ROLE, errors)?;
        function.check(&ROLE, true, errors);
        let extractors = function.argument_types(2, &ROLE, errors).into_iter().cloned().collect();
        let name = function.name();
        let (shape, (first, is)) = (side.shape(), side.first());
        let inputs = &function.signature.inputs;
        let mut typed = inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        });
        match (typed.next(), typed.next()) {
            (Some(cx), Some(next)) => {
                if !matches!(cx, Type::Reference(reference) if reference.mutability.is_some()) {
                    errors.at(cx, format_args!("`{name}` does not take {first} first"), shape);
                }
                if matches!(next, Type::Reference(_)) {
                    errors.at(next, format_args!("`{name}` borrows `next`, which is its own"), shape);
                }
            }
            _ if inputs.first().is_some_and(|first| matches!(first, FnArg::Receiver(_))) => {}
            _ => errors.at(
                &function.signature.ident,
                format_args!("`{name}` does not take {is} and the rest of the chain"),
                shape,
            ),
        }
        let returns = function.returns(errors).cloned();
        if returns.is_none() {
            let message = format_args!("`{name}` returns nothing; {}", side.answer());
            errors.at(&function.signature.ident, message, shape);
        }
        Some(Self { extractors, returns: returns?, function })
    }

    pub(super) fn ident(&self) -> &Ident {
        &self.function.signature.ident
    }
}
