//! Which delivery is handled here, for what is published in a transaction that its handler does not get from its arguments.
//!
//! Only where the service has a coordinator: whoever needs none of it pays nothing for it. What a handler leaves to a task of
//! its own belongs to no delivery.

use crate::{
    context::{Context, Link},
    middleware::{Middleware, Next},
    outcome::Outcome,
    transport::BoxFuture,
};

tokio::task_local! {
    static CURRENT: Link;
}

/// Stands around a handler, inside of all middleware.
#[derive(Debug)]
pub(crate) struct Current;

impl Middleware for Current {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let link = cx.attribution();
            CURRENT.scope(link, next.run(cx)).await
        })
    }
}

/// What ties publications to the delivery that is handled here; their ids are for whoever publishes to give.
pub(crate) fn current() -> Option<Link> {
    CURRENT.try_with(Clone::clone).ok()
}
