//! Layered configuration: attribute < `swit.toml` < environment < builder calls; later wins, key by key.
//!
//! [`Layers`] collects the layers, [`Layers::read`] makes typed [`Settings`] of them and answers with every fault at
//! once, each with the layer that holds it. [`resolve`] lays the settings of one subscriber over its attribute, [`resolve_publisher`] those of one publisher. No key
//! is accepted and ignored, and no fault and no `Debug` shows a password.
//!
//! ```
//! use swit_runtime::app::config::{Known, Layers};
//!
//! let known = Known { subscribers: vec!["confirm-order"], ..Known::default() };
//! let (settings, faults) = Layers::none()
//!     .text("swit.toml", "[subscriber.confirm-order]\nretries = 5\ntimeout = \"10s\"")
//!     .environment([("SWIT_SUBSCRIBER__CONFIRM_ORDER__RETRIES", "7")])
//!     .read(&known);
//! assert!(faults.is_empty());
//! assert_eq!(settings.subscribers["confirm-order"].retries.as_ref().map(|set| set.value), Some(7));
//! ```

mod admin;
mod assignment;
mod database;
#[cfg(test)]
mod documented;
mod environment;
mod file;
mod keys;
mod known;
mod layers;
mod origin;
mod place;
mod read;
mod resolve;
mod resolve_publisher;
mod section;
mod settings;
mod spans;
mod telemetry;
mod transport;
mod url;

pub use admin::{AdminSettings, AdminToken};
pub(in crate::app) use database::RETENTION;
pub use database::{DatabaseSettings, DatabaseUrl};
pub use known::Known;
pub use layers::Layers;
pub use origin::{Origin, Set};
pub use resolve::{ResolvedBreaker, ResolvedSubscriber, resolve};
pub use resolve_publisher::resolve_publisher;
pub use section::Section;
pub use settings::{
    BatchSettings, BreakerSettings, ConsumerGroup, DeadLetters, LimitSettings, MiddlewareSettings, PublisherSettings,
    RateLimitSettings, SagaSettings, ServiceSettings, Settings, ShutdownSettings, SubscriberSettings,
};
pub use spans::{CollectorHeaders, OtlpProtocol, Propagator, SpanExporter};
pub(in crate::app) use telemetry::{LEVELS, levels};
pub use telemetry::{LogFormat, TelemetrySettings};
pub use transport::{ManagementUrl, QueueType, TransportSettings};
pub use url::{TransportKind, Url};
