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
mod management;
mod node;
mod options;
mod queues;
mod tls;

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

pub use self::{control::Refused, options::Options, queues::Queue, tls::Certificates};
use self::{guardian::Guardian, node::Node, options::Tls};
use crate::ports;

/// A private RabbitMQ node that ends with its value, or with the process.
#[derive(Debug)]
pub struct Broker {
    // Before the node's folder is forgotten, its processes end.
    guardian: Guardian,
    node: Node,
    tls: Option<(u16, Certificates)>,
    management: Option<u16>,
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

    /// Where clients connect to by TLS. Its host is `localhost`, which the node's certificate names.
    ///
    /// # Panics
    /// When the node was started without TLS.
    #[track_caller]
    pub fn tls_url(&self) -> String {
        format!("amqps://guest:guest@localhost:{}", self.tls_port())
    }

    /// The port of 127.0.0.1 that takes AMQP by TLS.
    ///
    /// # Panics
    /// When the node was started without TLS.
    #[track_caller]
    pub fn tls_port(&self) -> u16 {
        self.expect_tls().0
    }

    /// The node's authority and certificates.
    ///
    /// # Panics
    /// When the node was started without TLS.
    #[track_caller]
    pub fn certificates(&self) -> &Certificates {
        &self.expect_tls().1
    }

    #[track_caller]
    fn expect_tls(&self) -> &(u16, Certificates) {
        self.tls.as_ref().expect("the node has no TLS listener: start it by `Broker::options().tls()`")
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
            let tls = options.tls.map(|kind| (kind, ports::free(), Certificates::generate()));
            let mut lines = options.lines.clone();
            if let Some((kind, port, certificates)) = &tls {
                lines.extend(certificates.install(node.folder(), *port, *kind == Tls::Mutual));
            }
            let management = options.management.then(|| management::install(&node));
            lines.extend(management.iter().flat_map(|(_, lines)| lines.clone()));
            node.configure(&(lines.join("\n") + "\n"));
            let guardian = Guardian::start(&node);
            let tls = tls.map(|(_, port, certificates)| (port, certificates));
            let broker = Self { guardian, node, tls, management: management.map(|(port, _)| port) };
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
            if !guardian::runs(pid) || began.elapsed() > Duration::from_mins(1) {
                return Err(format!("the node did not start: {}", self.node.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
