//! The faults that swit must survive, each on a broker of its own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod alarms;
mod backlog;
mod consumers;
mod copies;
mod delays;
mod ground;
mod headers;
mod interoperation;
mod payloads;
mod publishing;
mod sabotage;
mod secrets;
mod storms;
mod timeouts;

use swit_faults::Rig;

fn rig(url: impl Into<String>) -> Rig {
    Rig::new(env!("CARGO_BIN_EXE_faulty"), url)
}
