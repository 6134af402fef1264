//! What effects once cost, against the same SQL written by hand, on the same server, in one run.
//!
//! `cargo bench --bench transactions` starts a private PostgreSQL server and prints a table; with `-- --json` one JSON object
//! on standard output. `--only inbox`, `relay`, `latency`, `growth`, `saga`, `saga-growth` or `saga-memory` is one part alone. Contenders take turns, round by
//! round, and are compared by their medians: machines are noisy. Every commit waits for the disk.
#![expect(clippy::expect_used, reason = "a benchmark that can't go on should stop and say where")]
#![expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]

mod hand;
mod inbox;
mod place;
mod relay;
#[path = "../dispatch/report.rs"]
mod report;
mod saga;
mod service;

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// How much is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds of each contender.
    pub(crate) rounds: usize,
    /// Messages a round.
    pub(crate) messages: usize,
    /// Rows that lie in the tables already, for the part that asks what they cost.
    pub(crate) finished: u64,
}

impl Effort {
    const WHOLE: Self = Self { rounds: 7, messages: 2_000, finished: 1_000_000 };
    /// To see that it still runs.
    const GLANCE: Self = Self { rounds: 1, messages: 50, finished: 1_000 };
}

/// The same for all: two threads.
fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// The middle one.
pub(crate) fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    // `cargo bench` says so; `cargo test` runs this too, to see that it still runs, which takes one short round.
    let effort = if has("--bench") { Effort::WHOLE } else { Effort::GLANCE };
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    let parts = ["inbox", "relay", "latency", "growth", "saga", "saga-growth", "saga-memory"];
    if let Some(only) = only {
        assert!(parts.contains(&only.as_str()), "--only takes one of {parts:?}");
    }
    let wanted = |part: &str| only.is_none_or(|only| only == part);
    let mut report = report::Report::default();
    let servers = place::Servers::start();
    let runtime = two_threads();
    for place in servers.places() {
        if wanted("inbox") {
            runtime.block_on(inbox::measure(&place, effort, &mut report));
        }
        if wanted("relay") {
            runtime.block_on(relay::throughput(&place, effort, &mut report));
        }
        if wanted("latency") {
            runtime.block_on(relay::latency(&place, effort, &mut report));
        }
        if wanted("growth") {
            runtime.block_on(inbox::growth(&place, effort, &mut report));
        }
        if wanted("saga") {
            runtime.block_on(saga::measure(&place, effort, &mut report));
        }
        if wanted("saga-growth") {
            runtime.block_on(saga::growth(&place, effort, &mut report));
        }
    }
    if wanted("saga-memory") {
        runtime.block_on(saga::in_memory(effort, &mut report));
    }
    report.print(has("--json"));
}
