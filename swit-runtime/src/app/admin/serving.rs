//! The server of a running service.

use std::{net::SocketAddr, sync::Arc};

use super::Opening;
use crate::{
    admin::{Gatekeeper, Page, Server},
    error::{Error, Result},
    text::Text,
};

/// The server of a running service, where it has one.
#[derive(Debug, Default)]
pub(in crate::app) struct Admin(Option<Server>);

impl Admin {
    /// Serves what is to be opened, from now on.
    ///
    /// # Errors
    /// The address was written and can't be had. One that nobody wrote is done without, and that is said.
    pub(in crate::app) async fn open(opening: Option<&Opening>, pages: Vec<Arc<dyn Page>>) -> Result<Self> {
        let Some(opening) = opening else { return Ok(Self::default()) };
        let token = opening.token.as_ref().map(|token| Text::from(token.expose()));
        let gatekeeper = Gatekeeper::new(token.as_deref(), opening.hosts.clone());
        match Server::listen(opening.address, pages, gatekeeper).await {
            Ok(server) => {
                tracing::info!(address = %server.address(), "serves health and metrics");
                Ok(Self(Some(server)))
            }
            Err(source) => {
                if let Some(origin) = &opening.written {
                    let doing = format!("{origin}: listening at `admin.address` {}", opening.address);
                    return Err(Error::Io { doing, source });
                }
                tracing::warn!(
                    address = %opening.address,
                    error = %source,
                    "serves no health and no metrics: the address can't be had; set `admin.address`, or `admin.enabled = false`"
                );
                Ok(Self::default())
            }
        }
    }

    pub(in crate::app) fn address(&self) -> Option<SocketAddr> {
        self.0.as_ref().map(Server::address)
    }

    pub(in crate::app) async fn close(&mut self) {
        if let Some(server) = &mut self.0 {
            server.close().await;
        }
    }
}
