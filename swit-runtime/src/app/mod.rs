//! The app: from registrations and configuration to a running service, and back.

mod admin;
mod alerting;
mod builder;
pub mod cli;
pub mod config;
mod database;
pub mod dead_letters;
mod dynamic;
mod graph;
pub mod graph_view;
mod handle;
mod health;
mod logging;
#[cfg(feature = "prometheus")]
mod metrics;
mod orchestration;
mod providers;
mod publishing;
mod run;
mod running;
mod selection;
mod start;
mod suggest;
mod tasks;
#[cfg(feature = "traces")]
mod traces;
mod transports;

pub use builder::App;
pub use dynamic::{CircuitBreaker, Policies, Remaining, SubscriberState, SubscriberStatus, Subscription, Unsubscribed};
pub use graph::Graph;
pub use handle::Handle;
pub use health::{Component, ComponentKind, Health, HealthStatus, Stage};
pub use logging::init as init_telemetry;
#[cfg(feature = "prometheus")]
pub use metrics::Metrics;
pub use run::{check, serve};
pub use running::{Running, SubscriberStats};
pub use selection::Handlers;
#[cfg(feature = "traces")]
pub use traces::Traces;

pub use crate::policy::BreakerState;
