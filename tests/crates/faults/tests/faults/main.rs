//! The faults that swit must survive, each on a broker of its own.
#![expect(clippy::unwrap_used, reason = "tests")]

mod consumers;

use swit_faults::Rig;

fn rig(url: impl Into<String>) -> Rig {
    Rig::new(env!("CARGO_BIN_EXE_faulty"), url)
}
