//! What inventory collects at link time: subscribers, publishers, middleware, providers, events, linked crates.
//!
//! A registration is `'static` metadata and function pointers; nothing runs before the app reads it. The registry is
//! global to the process; an app is a selection of it.

mod batch;
mod classifier;
mod closure;
mod composite;
mod event;
mod handler;
mod health_check;
mod linked;
mod location;
mod middleware;
mod provided;
mod provider;
mod publisher;
mod saga;
mod subscriber;

#[doc(hidden)]
pub use inventory;

pub use batch::{BatchHandler, batch_of_one};
pub use classifier::{MadeRules, MakeClassifier, Maker, rules_of};
pub use closure::{Arguments, Asynchronous, Boxable, Callable, Closure};
pub(crate) use composite::Member;
pub use composite::{
    Composite, CompositeRegistration, EventHandler, EventHandlerRef, EventHandlerRegistration, Members, Owner,
    Strategy, call_event_handler,
};
pub use event::EventRegistration;
pub use handler::{Handler, Serve};
pub use health_check::{Checked, HealthCheckItem, HealthCheckRef, HealthCheckRegistration};
pub use linked::LinkedCrates;
pub use location::{Location, crate_of};
pub use middleware::{
    MiddlewareItem, MiddlewareRef, MiddlewareRegistration, PublishMiddlewareItem, PublishMiddlewareRef,
    PublishMiddlewareRegistration,
};
pub use provided::{Provided, provider_failure, provider_value};
pub use provider::{CheckHealth, Close, Closed, ProviderHealth, ProviderRef, ProviderRegistration};
pub use publisher::{
    Batching, PublisherItem, PublisherRef, PublisherRegistration, PublisherSpec, Publishes, PublishesIn,
};
pub use saga::{
    Call, CompensationRegistration, KeyOf, Saga, SagaCall, SagaRef, SagaRegistration, StepRegistration, Wait,
};
pub use subscriber::{
    AckMode, BatchSpec, Breaker, BreakerSpec, DeadLetter, Group, Order, RateLimit, SubscriberRef,
    SubscriberRegistration, SubscriberSpec,
};
