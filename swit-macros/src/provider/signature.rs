//! The signature of a provider: `async fn(arguments…) -> Result<T, E>`.

use proc_macro2::TokenStream;

use crate::{
    function::Role,
    report::Errors,
    scoped::{Nothing, Scoped},
};

const ROLE: Role = Role {
    attribute: "#[provider]",
    is: "a provider",
    not_async: "write `async fn`; what blocks goes through `tokio::task::spawn_blocking`",
};

const NOTHING: Nothing = Nothing {
    says: "provides nothing",
    help: "return `Result<T, E>`, where `T` is the state that handlers take as `State<T>`",
};

/// Reads and checks the function.
pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Scoped> {
    Scoped::read(item, &ROLE, &NOTHING, errors)
}
