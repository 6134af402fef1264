//! The service's transports without the service: what an operator's command works on.

use std::sync::Arc;

use crate::{
    app::{App, Graph, logging, transports},
    clock::Clock,
    error::Result,
    transport::Transport,
};

/// A checked service, whose transports are connected. Nothing is built, declared or consumed.
pub(super) struct Connected {
    pub(super) graph: Graph,
    pub(super) clock: Clock,
    pub(super) transports: Vec<Arc<dyn Transport>>,
}

impl Connected {
    /// Connects the transports that the service uses.
    pub(super) async fn open(app: &App) -> Result<Self> {
        logging::of_command(&app.layers);
        let graph = app.check()?;
        let used = graph.transports();
        let mut transports = transports::open(app, &graph.openings);
        transports.retain(|transport| used.contains(&transport.name()));
        let connected = Self { clock: app.clock.clone(), transports, graph };
        for transport in &connected.transports {
            if let Err(error) = transport.connect().await {
                connected.close().await;
                return Err(error.into());
            }
        }
        Ok(connected)
    }

    pub(super) async fn close(&self) {
        transports::close(&self.transports).await;
    }
}

/// Whether a transport's queues are the running service's own, which this process is not.
pub(super) fn lives_in_the_service(transport: &dyn Transport) -> bool {
    !transport.capabilities().durable
}
