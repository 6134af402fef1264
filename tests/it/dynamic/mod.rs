//! Subscribers that are made, paused and ended while the service runs.

mod concurrent;
mod ending;
mod refused;
mod subscribing;
