//! What stands in the server's place where the feature `admin` is missing: what is configured of it is a fault.

use std::net::SocketAddr;

/// No server.
#[derive(Debug, Default)]
pub(in crate::app) struct Admin;

impl Admin {
    #[expect(clippy::unused_self, reason = "as the server has it")]
    pub(in crate::app) fn address(&self) -> Option<SocketAddr> {
        None
    }

    #[expect(clippy::unused_async, reason = "as the server has it")]
    pub(in crate::app) async fn close(&mut self) {}
}
