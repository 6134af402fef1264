//! Asking before something is removed for good.

use std::io::IsTerminal as _;

use super::execute::print;
use crate::error::{Error, Result};

/// Whether `question` is answered with yes, or need not be asked.
///
/// # Errors
/// [`Error::Usage`] where nobody is there to be asked.
pub(super) async fn agreed(yes: bool, command: &str, question: &str) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        return Err(Error::Usage(format!("nobody can be asked here whether to go on; write `{command} --yes`")));
    }
    print(&format!("{question} [y/N] "))?;
    // On a thread of its own: connections are to stay alive, however long somebody thinks.
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    let answer = answer.await.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let answer = answer.map_err(|source| Error::Io { doing: "reading the answer".to_owned(), source })?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
