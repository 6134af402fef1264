//! The HTTP server for operators: a few pages over HTTP/1, for whoever may read them.
//!
//! It knows nothing of what its pages say ([`Page`]). It guarantees: no request is answered before its `Host` and its
//! `Origin` are looked at, nor, where a token is configured, a page that tells anything before the token; what is read of a request is bounded
//! in bytes and time, and bodies are not read at all; connections are bounded in number and time, those that say nothing keep nobody
//! else out, and none outlives the server.

mod connection;
mod gatekeeper;
mod page;
mod seats;
mod server;

pub(crate) use gatekeeper::Gatekeeper;
pub(crate) use page::{Answer, Page};
pub(crate) use server::Server;
