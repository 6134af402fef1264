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
    let (runtime, payload) = (one_thread(), order::payload());
    let services: Vec<_> = [0, 4, 8].map(|n| runtime.block_on(Service::start(1, n))).into();
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
    report.add("swit_ns_4_middleware", times[1], "ns a message with 4 user middlewares");
    report.add("swit_ns_8_middleware", times[2], "ns a message with 8 user middlewares");
    report.add("ns_per_middleware", (times[2] - times[1]) / 4.0, "ns, each further middleware (budget 40)");
}
