//! The app: configuration, the graph of what was registered, the command line.

pub mod config;
