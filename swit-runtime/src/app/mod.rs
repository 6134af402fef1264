//! The app: configuration, the graph of what was registered, the command line.

pub mod cli;
pub mod config;
pub mod graph_view;

mod suggest;
