//! Times, as ratios of medians of alternating rounds.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{hand, order, report::Report, service::Service};

/// How much is measured.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    rounds: usize,
    messages: u64,
}

impl Effort {
    pub(crate) const WHOLE: Self = Self { rounds: 21, messages: 60_000 };
    pub(crate) const GLANCE: Self = Self { rounds: 1, messages: 1_000 };

    fn nanos_a_message(self, took: Duration) -> f64 {
        took.as_secs_f64() * 1e9 / self.messages as f64
    }
}

pub(crate) fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

pub(crate) fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The service against the hand-written loop, one worker on one thread and four on two.
pub(crate) fn throughput(report: &mut Report, effort: Effort) {
    let payload = order::payload();
    for (workers, runtime, name) in [(1, one_thread(), "c1"), (4, two_threads(), "c4")] {
        let service = runtime.block_on(Service::start(workers, 0));
        let (mut by_hand, mut by_swit) = (Vec::new(), Vec::new());
        for round in 0..=effort.rounds {
            let hand_took = match workers {
                1 => runtime.block_on(hand::one(effort.messages, payload.clone())),
                n => runtime.block_on(hand::several(n as usize, effort.messages, payload.clone())),
            };
            let swit_took = runtime.block_on(service.run(effort.messages, payload.clone()));
            // The first round warms up.
            if round > 0 {
                by_hand.push(effort.nanos_a_message(hand_took));
                by_swit.push(effort.nanos_a_message(swit_took));
            }
        }
        runtime.block_on(service.stop());
        let (by_hand, by_swit) = (median(by_hand), median(by_swit));
        report.add(&format!("hand_loop_ns_{name}"), by_hand, "ns a message, hand-written loop");
        report.add(&format!("swit_ns_{name}"), by_swit, "ns a message, swit with defaults");
        report.add(&format!("ratio_to_hand_loop_{name}"), by_swit / by_hand, "ratio (budget 1.3 for c1, 1.5 for c4)");
    }
}

/// Batches of a hundred against messages one by one, a worker each.
pub(crate) fn batches(report: &mut Report, effort: Effort) {
    let (runtime, payload) = (one_thread(), order::payload());
    let services = [runtime.block_on(Service::start(1, 0)), runtime.block_on(Service::start_batches())];
    let mut times = vec![Vec::new(); services.len()];
    for round in 0..=effort.rounds {
        for (service, times) in services.iter().zip(&mut times) {
            let took = runtime.block_on(service.run(effort.messages, payload.clone()));
            if round > 0 {
                times.push(effort.nanos_a_message(took));
            }
        }
    }
    for service in services {
        runtime.block_on(service.stop());
    }
    let times: Vec<f64> = times.into_iter().map(median).collect();
    report.add("swit_ns_batches", times[1], "ns a message in batches of 100");
    report.add("ratio_of_batches_to_single", times[1] / times[0], "ratio, batches of 100 to one by one");
}

/// What each further middleware costs: the difference between eight and four.
pub(crate) fn middleware(report: &mut Report, effort: Effort) {
    let runtime = one_thread();
    let services: Vec<_> = [0, 4, 8].map(|n| runtime.block_on(Service::start(1, n))).into();
    let times = alternate(&runtime, services, effort);
    report.add("swit_ns_4_middleware", times[1], "ns a message with 4 user middlewares");
    report.add("swit_ns_8_middleware", times[2], "ns a message with 8 user middlewares");
    report.add("ns_per_middleware", (times[2] - times[1]) / 4.0, "ns, each further middleware (budget 40)");
}

/// Nanoseconds a message of each service, the median of rounds that take turns.
pub(crate) fn alternate(runtime: &Runtime, services: Vec<Service>, effort: Effort) -> Vec<f64> {
    let payload = order::payload();
    let mut times = vec![Vec::new(); services.len()];
    for round in 0..=effort.rounds {
        for (service, times) in services.iter().zip(&mut times) {
            let took = runtime.block_on(service.run(effort.messages, payload.clone()));
            if round > 0 {
                times.push(effort.nanos_a_message(took));
            }
        }
    }
    for service in services {
        runtime.block_on(service.stop());
    }
    times.into_iter().map(median).collect()
}

/// What a breaker that stays closed and a rate limit that never limits cost: the median of the differences to the plain
/// service of the same round.
pub(crate) fn restraints(report: &mut Report, effort: Effort) {
    let set = |text: &str| format!("[subscriber.count-items]\n{text}");
    let limit = "rate_limit = { per_second = 1000000, burst = 1000000 }";
    beside_plain(
        report,
        effort,
        Plain { key: "plain", configuration: "", what: "without either" },
        60,
        &[
            Case::new("nothing", "", "nothing at all, twice: what the machine adds by itself"),
            Case::new("breaker", &set("circuit_breaker = true"), "a circuit breaker"),
            Case::new(
                "breaker_by_rate",
                &set("circuit_breaker = { rate = 0.5, window = '10s', min_volume = 20 }"),
                "a circuit breaker by failure rate",
            ),
            Case::new("rate_limit", &set(limit), "a rate limit that never limits"),
            Case::new("both", &set(&format!("circuit_breaker = true\n{limit}")), "circuit breaker and rate limit"),
        ],
    );
}

/// What all that is counted for the metrics page costs, on both sides of a message, against a service that counts nothing
/// for it; with a page that somebody asks for ten times a second.
pub(crate) fn metrics(report: &mut Report, effort: Effort) {
    const OFF: &str = "[telemetry]\nmetrics = false";
    beside_plain(
        report,
        effort,
        Plain { key: "uncounted", configuration: OFF, what: "with nothing counted for the metrics page" },
        80,
        &[
            Case::new("nothing_counted", OFF, "nothing at all, twice: what the machine adds by itself"),
            Case::new("metrics", "", "all metrics, nobody asks for the page"),
            Case {
                scraped: true,
                ..Case::new("metrics_scraped", "", "all metrics, the page asked for ten times a second")
            },
        ],
    );
}

/// The service that others are compared with.
#[derive(Clone, Copy)]
struct Plain {
    key: &'static str,
    configuration: &'static str,
    what: &'static str,
}

/// One of the others.
struct Case {
    key: &'static str,
    configuration: String,
    what: &'static str,
    scraped: bool,
}

impl Case {
    fn new(key: &'static str, configuration: &str, what: &'static str) -> Self {
        Self { key, configuration: configuration.to_owned(), what, scraped: false }
    }
}

/// Runs each case beside plain runs of its own.
fn beside_plain(report: &mut Report, effort: Effort, plainly: Plain, budget: u32, cases: &[Case]) {
    for (workers, runtime, name) in [(1, one_thread(), "c1"), (4, two_threads(), "c4")] {
        let payload = order::payload();
        let start = |text: &str| runtime.block_on(Service::configured(workers, 0, text));
        let plain = start(plainly.configuration);
        let others: Vec<_> = cases.iter().map(|case| start(&case.configuration)).collect();
        let run = |service: &Service, scraped| {
            let payload = payload.clone();
            effort.nanos_a_message(runtime.block_on(async {
                let work = service.run(effort.messages, payload);
                if scraped { service.scraped(work).await } else { work.await }
            }))
        };
        let (mut plains, mut costs) = (Vec::new(), vec![Vec::new(); cases.len()]);
        for round in 0..=effort.rounds {
            for ((service, case), costs) in others.iter().zip(cases).zip(&mut costs) {
                // Each beside a plain run of its own, before it or after it.
                let (before, took, after) = (run(&plain, false), run(service, case.scraped), run(&plain, false));
                if round > 0 {
                    plains.push(before);
                    costs.push(took - f64::midpoint(before, after));
                }
            }
        }
        report.add(
            &format!("swit_ns_{}_{name}", plainly.key),
            median(plains),
            &format!("ns a message, {}", plainly.what),
        );
        for (case, costs) in cases.iter().zip(costs) {
            let what = format!("ns a message, {} (budget {budget})", case.what);
            report.add(&format!("ns_{}_{name}", case.key), median(costs), &what);
        }
        for service in others.into_iter().chain([plain]) {
            runtime.block_on(service.stop());
        }
    }
}
