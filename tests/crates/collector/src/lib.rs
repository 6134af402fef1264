//! What the collector prints of a span: one line, JSON.

use serde::{Deserialize, Serialize};

/// A span as it arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// How it came: `grpc` or `http`.
    pub by: String,
    /// What the request's header `x-tenant` said.
    pub tenant: String,
    /// What its header `authorization` said.
    pub authorization: String,
    /// The resource's `service.name`.
    pub service: String,
    /// Its `service.version`.
    pub version: String,
    /// Its `service.instance.id`.
    pub instance: String,
    /// The trace.
    pub trace: String,
    /// The span.
    pub span: String,
    /// The span above it; empty for a root.
    pub parent: String,
    /// The spans that it is linked to.
    pub links: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its `messaging.destination.name`.
    pub destination: String,
    /// Its `swit.attempt`, where it has one.
    pub attempt: Option<i64>,
    /// Whether it failed.
    pub failed: bool,
}
