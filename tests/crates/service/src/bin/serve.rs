//! A service with swit's own command line. `SWIT_TEST_JOB` names a job that is published once it has started.

#![expect(clippy::unused_async, reason = "providers and handlers are async whether or not they wait")]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

/// Something to do.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "job.created", version = 1)]
pub struct Job {
    /// `stubborn` never ends, `slow` takes a second.
    pub text: String,
}

/// What publishes the first job.
#[derive(Debug)]
pub struct Starter;

#[provider]
async fn start(publisher: Publisher) -> Result<Starter, std::io::Error> {
    if let Ok(text) = std::env::var("SWIT_TEST_JOB") {
        tokio::spawn(async move { publisher.publish(&Job { text }).await });
    }
    Ok(Starter)
}

#[subscriber(timeout = "1h", retries = 0)]
async fn work(job: Job, _starter: State<Starter>) -> Result<(), std::io::Error> {
    tracing::info!(text = job.text, "working");
    match job.text.as_str() {
        "stubborn" => std::future::pending().await,
        "slow" => tokio::time::sleep(std::time::Duration::from_secs(1)).await,
        "broken" => return Err(std::io::Error::other("broken")),
        _ => {}
    }
    tracing::info!("worked");
    Ok(())
}

/// Takes jobs from a queue that others make, where a deployment enables it.
#[subscriber(queue = "swit-test-service.imports", dead_letter = false, enabled = false)]
async fn import(job: Job) {
    tracing::info!(text = job.text, "imported");
}

swit::composite!(archive, strategy = sequential, topic = "job.created", enabled = false, dead_letter = false);

/// Keeps a job, where a deployment enables it.
#[event_handler(composite = archive, order = 10)]
async fn store(job: Job) {
    tracing::info!(text = job.text, "stored");
}

/// Makes it be found.
#[event_handler(composite = archive, order = 20)]
async fn index(job: Job) {
    tracing::info!(text = job.text, "indexed");
}

swit::handlers!();

#[tokio::main]
async fn main() -> swit::Result<()> {
    swit::cli().await
}
