//! The app: from registrations and configuration to a running service, and back.

mod builder;
pub mod cli;
pub mod config;
pub mod dead_letters;
mod graph;
pub mod graph_view;
mod logging;
mod providers;
mod run;
mod running;
mod selection;
mod start;
mod suggest;
mod transports;

pub use builder::App;
pub use graph::Graph;
pub use logging::init as init_logging;
pub use run::{check, serve};
pub use running::{Running, SubscriberStats};
pub use selection::Handlers;
