//! [`Handle`]: what a service may change of itself while it runs.

use std::sync::Arc;

use crate::{
    context::Context,
    error::Result,
    extract::{FromDelivery, FromScope},
    outcome::{Failure, FailureKind},
    publisher::{Outlets, Publisher, PublisherConfig},
    scope::Scope,
};

/// A handle on the running service: an argument of handlers, middleware and providers, and
/// [`Running::handle`](super::Running::handle) for `main`. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    outlets: Arc<Outlets>,
}

impl Handle {
    pub(super) fn new(outlets: Arc<Outlets>) -> Self {
        Self { outlets }
    }

    /// Makes a named publisher, with the same options as `#[publisher]`.
    ///
    /// It publishes any event, and messages to computed topics. It lives as long as it or a clone of it does; what its
    /// queue or batch still holds then is published all the same. Its name is free again after that.
    ///
    /// # Errors
    /// [`Error::NotMade`](crate::error::Error): the name is taken, an option is out of range, there is no such transport,
    /// or the service is shutting down.
    #[expect(clippy::needless_pass_by_value, reason = "a name is for one publisher, so that options are spent on one")]
    pub fn publisher(&self, config: PublisherConfig) -> Result<Publisher> {
        Ok(Publisher::from_outlet(self.outlets.make(&config)?))
    }
}

impl FromScope for Handle {
    const PUBLISHES: bool = true;

    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        scope
            .get()
            .map(Self::new)
            .ok_or_else(|| Failure::new(FailureKind::Extract, "no app runs here: there is no handle on it"))
    }
}

impl FromDelivery for Handle {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Self::from_scope(cx.scope())
    }
}
