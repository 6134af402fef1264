//! What dispatch costs, in process, against the loop that one would write by hand.
//!
//! `cargo bench --bench dispatch` prints a table; with `-- --json` one JSON object on standard output. `--build` adds
//! the cost of building subscribers, `--instructions` the instructions a message (needs valgrind). All comparisons
//! are made in one run, alternating, as ratios of medians: machines are noisy.
#![expect(clippy::expect_used, reason = "a benchmark that can't go on should stop and say where")]

mod build;
mod compare;
mod composite;
mod footprint;
mod hand;
mod instructions;
mod order;
mod report;
mod service;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(run) = instructions::child(&arguments) {
        return run;
    }
    // `cargo bench` says so; `cargo test` runs this too, to see that it still runs, which takes one short round.
    let effort = if has("--bench") { compare::Effort::WHOLE } else { compare::Effort::GLANCE };
    let mut report = report::Report::default();
    compare::throughput(&mut report, effort);
    compare::middleware(&mut report, effort);
    compare::batches(&mut report, effort);
    compare::restraints(&mut report, effort);
    composite::measure(&mut report, effort);
    footprint::allocations(&mut report);
    footprint::thousand(&mut report);
    if has("--instructions") {
        instructions::measure(&mut report);
    }
    if has("--build") {
        build::measure(&mut report);
    }
    report.print(has("--json"));
}
