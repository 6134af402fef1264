//! What inventory collects at link time: subscribers, middleware, providers, events, linked crates.
//!
//! A registration is `'static` metadata and function pointers; nothing runs before the app reads it. The registry is
//! global to the process; an app is a selection of it.

mod event;
mod handler;
mod linked;
mod location;
mod middleware;
mod provider;
mod subscriber;

pub use event::EventRegistration;
pub use handler::Handler;
pub use linked::LinkedCrates;
pub use location::Location;
pub use middleware::{MiddlewareItem, MiddlewareRef, MiddlewareRegistration};
pub use provider::{Closed, ProviderRef, ProviderRegistration};
pub use subscriber::{DeadLetter, Group, SubscriberRef, SubscriberRegistration, SubscriberSpec};
