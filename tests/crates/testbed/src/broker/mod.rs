//! A private RabbitMQ node: its own name, ports, data, cookie and Erlang port mapper, and never the system's node.
//!
//! ```no_run
//! use swit_testbed::Broker;
//!
//! let broker = Broker::start();
//! println!("connect to {}", broker.url());
//! broker.kill();
//! broker.restart(); // the same port, and what was durable is still there
//! ```
//!
//! Every call blocks its thread until it is done: two seconds for a start, milliseconds for most others. That is right in a
//! plain test and in an async one (a runtime with one thread stands still meanwhile; use `spawn_blocking` where something
//! must go on). A call that fails panics with the node's own words.
//!
//! The node ends and its folder goes away with the [`Broker`], and with the process when that is killed: see `guardian.rs`.
//! With `SWIT_TESTBED_KEEP` set, the folder stays, for its logs.

mod control;
mod faults;
mod guardian;
mod node;
mod options;
mod queues;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

pub use self::{control::Refused, options::Options, queues::Queue};
use self::{guardian::Guardian, node::Node};

/// A private RabbitMQ node that ends with its value, or with the process.
#[derive(Debug)]
pub struct Broker {
    // Before the node's folder is forgotten, its processes end.
    guardian: Guardian,
    node: Node,
}

impl Broker {
    /// Starts a node as it comes.
    pub fn start() -> Self {
        Self::options().start()
    }

    /// A node with other settings than its own.
    pub fn options() -> Options {
        Options::default()
    }

    /// The one node that all tests of this process share; it ends with the process. For tests that break nothing and name
    /// their queues apart.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Where clients connect to, as `guest` in the virtual host `/`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port())
    }

    /// The port of 127.0.0.1 that takes AMQP.
    pub fn port(&self) -> u16 {
        self.node.port
    }

    /// The node's folder, with `log/` and `data/` in it.
    pub fn folder(&self) -> &std::path::Path {
        self.node.folder()
    }

    fn start_with(options: &Options) -> Self {
        let mut last = String::new();
        // Somebody may have taken a port since it was found free.
        for _ in 0..3 {
            let node = Node::prepare();
            node.configure(&(options.lines.join("\n") + "\n"));
            let guardian = Guardian::start(&node);
            let broker = Self { guardian, node };
            match broker.launch() {
                Ok(()) => return broker,
                Err(error) => last = error,
            }
        }
        panic!("{last}");
    }

    /// Starts the node's process and waits until it is up.
    fn launch(&self) -> Result<(), String> {
        let pid = self.guardian.launch();
        let began = Instant::now();
        while !self.is_up() {
            if !guardian::runs(pid) || began.elapsed() > Duration::from_secs(60) {
                return Err(format!("the node did not start: {}", self.node.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
