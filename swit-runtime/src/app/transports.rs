//! From configuration to transports: which are opened, and by what.

use std::{sync::Arc, time::Duration};

use super::{builder::App, config::Settings};
use crate::{
    error::{Result, StartupFault, StartupReport},
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};

/// How long a transport may take to close; what it holds then is settled by the broker, which sees the connection end.
const CLOSING: Duration = Duration::from_secs(3);

/// Closes all of them, at once.
pub(super) async fn close(transports: &[Arc<dyn Transport>]) {
    let mut closing = tokio::task::JoinSet::new();
    for transport in transports.iter().cloned() {
        closing.spawn(async move {
            if tokio::time::timeout(CLOSING, transport.close()).await.is_err() {
                tracing::error!(transport = transport.name(), after = ?CLOSING, "did not close; it is left as it is");
            }
        });
    }
    while closing.join_next().await.is_some() {}
}

/// The transports of a service: those that it was given, those that are configured, and `default`, which is the
/// embedded one where nobody says otherwise.
pub(super) fn open(app: &App, settings: &Settings) -> Result<Vec<Arc<dyn Transport>>> {
    let mut transports = app.transports.clone();
    let has = |transports: &[Arc<dyn Transport>], name: &str| transports.iter().any(|known| known.name() == name);
    let mut faults = Vec::new();
    for (name, configured) in &settings.transports {
        if has(&transports, name) {
            continue;
        }
        match configured.url.as_ref().map_or("memory".to_owned(), |url| url.value.scheme()).as_str() {
            "memory" => {
                let mut options = MemoryOptions::default();
                if let Some(capacity) = configured.capacity() {
                    options.capacity = capacity;
                }
                transports.push(Arc::new(MemoryTransport::new(name.as_str(), options)));
            }
            scheme => faults.push(StartupFault::new(
                configured.url.as_ref().map_or_else(String::new, |url| url.origin.to_string()),
                format!("the transport `{name}` has a url of scheme `{scheme}`, which this build can't speak"),
                "use `memory://`, the embedded transport",
            )),
        }
    }
    if !faults.is_empty() {
        return Err(StartupReport { faults }.into());
    }
    if !has(&transports, "default") {
        transports.push(Arc::new(MemoryTransport::new("default", MemoryOptions::default())));
    }
    Ok(transports)
}
