//! What consuming and publishing over RabbitMQ cost, against plain client loops on the same node.
//!
//! `cargo bench --bench rabbitmq --features rabbitmq` starts a private node and prints a table; with `-- --json` one JSON
//! object on standard output. `--quick` is a short try, `--only consume-quorum,publish` runs single parts, `--backlog N` and
//! `--rounds N` change how much is done. All contenders of a part are run in turn, round by round, against the same
//! queue of the same node, and compared by their medians: machines are noisy.
#![expect(clippy::expect_used, reason = "a benchmark that can't go on should stop and say where")]
#![expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]

mod backlog;
mod chain;
mod child;
mod consume;
mod effort;
mod hand;
mod latency;
mod median;
mod node;
mod order;
mod place;
mod processes;
mod publish;
#[path = "../dispatch/report.rs"]
mod report;
mod service;
mod subscribers;
mod tally;

use effort::Effort;
use swit::transports::rabbitmq::QueueKind;
use tokio::runtime::{Builder, Runtime};

/// The same for all: two threads.
fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(part) = child::wanted(&arguments) {
        return two_threads().block_on(part.run());
    }
    let effort = Effort::from(&arguments);
    let mut report = report::Report::default();
    let node = node::Node::start();
    two_threads().block_on(async {
        for kind in [QueueKind::Quorum, QueueKind::Classic] {
            if effort.includes(&format!("consume-{}", place::kind_name(kind))) {
                consume::measure(&node, kind, &effort, &mut report).await;
            }
        }
        if effort.includes("slow") {
            consume::slow(&node, &effort, &mut report).await;
        }
        if effort.includes("publish") {
            publish::measure(&node, &effort, &mut report).await;
        }
        if effort.includes("chain") {
            chain::measure(&node, &effort, &mut report).await;
        }
        if effort.includes("latency") {
            latency::measure(&node, &effort, &mut report).await;
        }
        if effort.includes("subscribers") {
            subscribers::measure(&node, &effort, &mut report).await;
        }
        if effort.includes("processes") {
            processes::measure(&node, &effort, &mut report).await;
        }
        if effort.includes("backlog") {
            backlog::measure(&node, &effort, &mut report).await;
        }
    });
    report.print(effort.json);
}
