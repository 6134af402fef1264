//! What dispatch costs, in process, against the loop that one would write by hand.
//!
//! `cargo bench --bench dispatch` prints a table; with `-- --json` one JSON object on standard output. `--build` adds
//! the cost of building subscribers, `--instructions` the instructions a message (needs valgrind), `--only batches` is one
//! part alone. All comparisons
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
mod traced;

/// Measures one thing or a few that belong together.
type Part = fn(&mut report::Report, compare::Effort);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    if let Some(run) = instructions::child(&arguments) {
        return run;
    }
    // `cargo bench` says so; `cargo test` runs this too, to see that it still runs, which takes one short round.
    let effort = if has("--bench") { compare::Effort::WHOLE } else { compare::Effort::GLANCE };
    let mut report = report::Report::default();
    let parts: [(&str, Part); 9] = [
        ("throughput", compare::throughput),
        ("middleware", compare::middleware),
        ("batches", compare::batches),
        ("restraints", compare::restraints),
        ("metrics", compare::metrics),
        ("composite", composite::measure),
        ("traced", traced::measure),
        ("allocations", |report, _| footprint::allocations(report)),
        ("thousand", |report, _| footprint::thousand(report)),
    ];
    let only = arguments.iter().skip_while(|argument| *argument != "--only").nth(1);
    if let Some(only) = only {
        assert!(parts.iter().any(|(name, _)| name == only), "--only takes one of {:?}", parts.map(|(name, _)| name));
    }
    for (_, part) in parts.iter().filter(|(name, _)| only.is_none_or(|only| only == name)) {
        part(&mut report, effort);
    }
    if has("--instructions") {
        instructions::measure(&mut report);
    }
    if has("--build") {
        build::measure(&mut report);
    }
    report.print(has("--json"));
}
