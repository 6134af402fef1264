//! Middleware: code around every handler, and code around everything that is published.

mod consume;
mod publish;

pub use consume::{Middleware, MiddlewareReturn, Next, Watch};
pub(crate) use publish::{HandOver, PublishLink};
pub use publish::{PublishMiddleware, PublishMiddlewareReturn, PublishNext, publish_failure};
