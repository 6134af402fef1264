//! From configuration to transports: which are opened, and by what.

use std::{sync::Arc, time::Duration};

use super::{
    builder::App,
    config::{Settings, TransportKind},
    graph::Faults,
};
#[cfg(feature = "rabbitmq")]
use crate::transports::rabbitmq::{RabbitMqOptions, RabbitMqTransport};
use crate::{
    scope::Service,
    text::Text,
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};

/// How long a transport may take to close; what it holds then is settled by the broker, which sees the connection end.
const CLOSING: Duration = Duration::from_secs(3);

/// A configured transport, ready to be opened.
#[derive(Debug, Clone)]
pub(crate) enum Opening {
    Memory(MemoryOptions),
    #[cfg(feature = "rabbitmq")]
    RabbitMq(Box<RabbitMqOptions>),
}

impl Opening {
    /// Whether its messages outlive the process.
    pub(super) fn is_durable(&self) -> bool {
        !matches!(self, Self::Memory(_))
    }
}

/// Closes all of them, at once.
pub(super) async fn close(transports: &[Arc<dyn Transport>]) {
    let mut closing = tokio::task::JoinSet::new();
    for transport in transports {
        let transport = Arc::clone(transport);
        closing.spawn(async move {
            if tokio::time::timeout(CLOSING, transport.close()).await.is_err() {
                tracing::error!(transport = transport.name(), after = ?CLOSING, "did not close; it is left as it is");
            }
        });
    }
    while closing.join_next().await.is_some() {}
}

/// What is to be opened: the transports that are configured and that the app was not given, and `default`, which is the
/// embedded one where nobody says otherwise. Nothing is connected, but certificates are read.
pub(super) fn openings(app: &App, settings: &Settings, service: &Service, faults: &mut Faults) -> Vec<(Text, Opening)> {
    let given = |name: &str| app.transports.iter().any(|known| known.name() == name);
    let mut openings = Vec::new();
    for (name, configured) in settings.transports.iter().filter(|(name, _)| !given(name)) {
        match configured.kind() {
            TransportKind::Memory => {
                let mut options = MemoryOptions::default();
                if let Some(capacity) = configured.capacity() {
                    options.capacity = capacity;
                }
                openings.push((name.clone(), Opening::Memory(options)));
            }
            // In tests, which replace it, its certificates need not be there.
            TransportKind::RabbitMq if app.embedded => {}
            #[cfg(feature = "rabbitmq")]
            TransportKind::RabbitMq => {
                let client = Text::from(format!("{}@{}", service.name, service.instance));
                match configured.rabbitmq(name, client) {
                    Ok(options) => {
                        openings.extend(options.map(|known| (name.clone(), Opening::RabbitMq(Box::new(known)))));
                    }
                    Err(found) => faults.all(found),
                }
            }
            // No url of it is accepted.
            #[cfg(not(feature = "rabbitmq"))]
            TransportKind::RabbitMq => {
                let _ = (service, &mut *faults);
            }
        }
    }
    if !given("default") && !settings.transports.contains_key("default") {
        openings.push((Text::from_static("default"), Opening::Memory(MemoryOptions::default())));
    }
    openings
}

/// The transports of a service: those that it was given, and those that are configured.
pub(super) fn open(app: &App, openings: &[(Text, Opening)]) -> Vec<Arc<dyn Transport>> {
    let opened = openings.iter().map(|(name, opening)| -> Arc<dyn Transport> {
        match opening {
            Opening::Memory(options) => Arc::new(MemoryTransport::new(name.as_str(), *options)),
            #[cfg(feature = "rabbitmq")]
            Opening::RabbitMq(options) => Arc::new(RabbitMqTransport::new(name.clone(), (**options).clone())),
        }
    });
    app.transports.iter().cloned().chain(opened).collect()
}
