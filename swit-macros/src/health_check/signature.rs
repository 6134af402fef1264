//! The signature of a health check: `async fn(arguments…) -> Result<(), E>`.

use proc_macro2::TokenStream;

use crate::{
    function::Role,
    report::Errors,
    scoped::{Nothing, Scoped},
};

const ROLE: Role = Role {
    attribute: "#[health_check]",
    is: "a health check",
    not_async: "write `async fn`; what blocks goes through `tokio::task::spawn_blocking`",
};

const NOTHING: Nothing = Nothing {
    says: "can't say that something is wrong",
    help: "return `Result<(), E>`: an error is what the health page shows",
};

/// Reads and checks the function.
pub(super) fn read(item: TokenStream, errors: &Errors) -> Option<Scoped> {
    Scoped::read(item, &ROLE, &NOTHING, errors)
}
