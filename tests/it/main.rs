//! Behaviour across the crates, in one binary: macro → registry → graph → consumer → pipeline → memory transport.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::unused_async,
    reason = "tests; handlers are async whether or not they wait"
)]

mod alerts;
mod batch;
mod breaker;
mod broker;
mod brokers;
mod classification;
mod clock_jumps;
mod codecs;
mod composite;
mod compression;
mod dead_letters;
mod decisions;
mod declared_sagas;
mod dynamic;
mod failures;
mod floors;
mod graph;

mod health;
mod inbox;
mod lifecycle;
mod logs;
mod manual;
mod metrics;
mod middleware;
mod middlewares;
mod ordered;
mod pausing;
mod policies;
mod publishers;
mod publishing;
mod rate_limit;
mod refusals;
mod relay;
mod retries;
mod sagas;
mod stores;
mod subscribing;
mod support;
mod traces;
mod two_phase;
mod validation;
