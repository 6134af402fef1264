//! The faults that swit must survive, each on a broker of its own.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
#![expect(clippy::unused_async, reason = "handlers are async whether or not they wait")]
#![expect(clippy::similar_names, reason = "what is sent and what is seen, the faults' fates and their dates")]

mod alarms;
mod alerts;
mod backlog;
mod batches;
mod bombs;
mod breakers;
mod broker;
mod composites;
mod consumers;
mod copies;
mod crashes;
mod delays;
mod ground;
mod headers;
mod interoperation;
mod links;
mod middlewares;
mod mistakes;
mod once;
mod payloads;
mod producers;
mod publishing;
mod redelivery;
mod resources;
mod retries;
mod sabotage;
mod secrets;
mod shutdown;
mod steps;
mod storms;
mod timeouts;
mod topology;
mod transactions;

use swit_faults::Rig;

fn rig(url: impl Into<String>) -> Rig {
    Rig::new(env!("CARGO_BIN_EXE_faulty"), url)
}
