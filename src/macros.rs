//! The attribute and derive macros, with their documentation.

#[doc = include_str!("docs/classify.md")]
pub use swit_macros::Classify;
#[doc = include_str!("docs/config_section.md")]
pub use swit_macros::ConfigSection;
#[doc = include_str!("docs/event.md")]
pub use swit_macros::Event;
#[doc = include_str!("docs/composite.md")]
pub use swit_macros::composite;
#[doc = include_str!("docs/event_handler.md")]
pub use swit_macros::event_handler;
#[doc = include_str!("docs/handlers.md")]
pub use swit_macros::handlers;
#[doc = include_str!("docs/health_check.md")]
pub use swit_macros::health_check;
#[doc = include_str!("docs/middleware.md")]
pub use swit_macros::middleware;
#[doc = include_str!("docs/provider.md")]
pub use swit_macros::provider;
#[doc = include_str!("docs/publisher.md")]
pub use swit_macros::publisher;
#[doc = include_str!("docs/saga.md")]
pub use swit_macros::saga;
#[doc = include_str!("docs/subscriber.md")]
pub use swit_macros::subscriber;
