//! What the macros generate does what the attributes say: registrations, events, classes, handlers, providers.

#![forbid(unsafe_code)]
#![expect(clippy::unused_async, reason = "handlers, providers and `on_error` are async whether or not they wait")]
#![expect(clippy::needless_pass_by_value, reason = "handlers own their arguments")]

mod classes;
mod composites;
mod events;
mod handlers;
mod middleware;
mod providers;
mod publishers;
mod registrations;
mod sagas;

use std::{collections::HashMap, sync::Arc, time::Duration};

use swit::{Context, Service};
use swit_runtime::{clock::Clock, context::Receiver, limits::Limits, scope::Scope};
use tokio_util::sync::CancellationToken;

swit::handlers!();

/// A scope with these states.
fn scope(states: impl IntoIterator<Item = swit_runtime::scope::Shared>) -> Scope {
    let service = Service::new("shop", "1.0.0", "here");
    let mut scope = Scope::new(HashMap::new(), CancellationToken::new(), Clock::SYSTEM, Limits::default(), service);
    for state in states {
        scope.insert((*state).type_id(), state);
    }
    scope
}

/// A context without a delivery.
fn context(scope: Scope) -> Context {
    let receiver = Receiver::new("s", "g", "q", "default", Duration::from_secs(30));
    Context::new(Arc::new(scope), Arc::new(receiver))
}
