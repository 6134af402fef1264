//! What the server serves.

use bytes::Bytes;

use crate::transport::BoxFuture;

/// A page of the server.
pub(crate) trait Page: Send + Sync {
    /// Its path, `/health`.
    fn path(&self) -> &'static str;

    /// Whether it answers those who show no token, though one is configured; it must tell them little.
    fn is_open(&self) -> bool {
        false
    }

    /// What it says now. `trusted`: whoever asks may read everything.
    fn answer(&self, trusted: bool) -> BoxFuture<'_, Answer>;
}

/// What a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status of HTTP.
    pub(crate) status: u16,
    /// The type of the body.
    pub(crate) content_type: &'static str,
    /// The body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// A JSON body. One that can't be written is an error of the server.
    pub(crate) fn json(status: u16, body: &impl serde::Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(body) => Self { status, content_type: "application/json", body: body.into() },
            Err(error) => {
                Self { status: 500, content_type: "text/plain; charset=utf-8", body: error.to_string().into() }
            }
        }
    }

    /// What went wrong with the request.
    pub(super) fn refusal(status: u16, why: &str) -> Self {
        Self::json(status, &serde_json::json!({ "error": why }))
    }
}
