//! A process that owns a node and is killed by `tests/guardian.rs`.
//!
//! It prints the node's folder and port, and the process id of a child of its own that outlives it.
#![expect(clippy::expect_used, clippy::print_stdout, reason = "part of a test")]

use std::process::Command;

use swit_testbed::Broker;

fn main() {
    let broker = Broker::shared();
    // A child that is started after the guardian could inherit its pipe, and keep the node alive.
    let mut child = Command::new("sleep").arg("60").spawn().expect("`sleep` can be started");
    println!("{} {} {}", broker.folder().display(), broker.port(), child.id());
    child.wait().expect("a child can be waited for");
}
