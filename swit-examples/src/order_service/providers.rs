//! What the subscribers share, where the service did not bring its own: for `check`, `graph` and the like.

use std::convert::Infallible;

use swit::provider;

use super::{
    dead_letters::DeadLetterFile,
    ledger::{Ledger, Window},
};

/// An empty ledger.
#[provider]
#[expect(clippy::unused_async, reason = "a provider is async, whether or not it waits")]
pub async fn open_ledger() -> Result<Ledger, Infallible> {
    Ok(Ledger::new(Window::DEFAULT))
}

/// Dead letters are counted, and written nowhere.
#[provider]
#[expect(clippy::unused_async, reason = "a provider is async, whether or not it waits")]
pub async fn no_dead_letter_file() -> Result<DeadLetterFile, std::io::Error> {
    DeadLetterFile::create(None)
}
