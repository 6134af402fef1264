//! A TCP proxy that hurts what goes through it.
//!
//! ```no_run
//! use swit_testbed::{Broker, proxy::{Direction, Proxy}};
//!
//! let broker = Broker::start();
//! let proxy = Proxy::start(("127.0.0.1", broker.port()));
//! println!("connect to amqp://guest:guest@{}", proxy.addr());
//! proxy.cut_after(Direction::ToBroker, 100); // both ends are closed within a frame
//! proxy.swallow(Direction::ToClient);        // confirms are lost
//! proxy.heal();
//! ```
//!
//! The proxy runs in a thread of its own, with a runtime of its own: it works in plain tests, beside a blocked or a paused
//! runtime, and its calls are plain ones that return at once. It ends with its value, which closes what goes through it.

mod connection;
mod faults;
mod listener;
mod pump;

use std::{
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

pub use self::faults::Direction;
use self::faults::{Delay, Shared, Trap};

/// A TCP proxy whose faults are switched while it runs.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    addr: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts a proxy before `upstream`, on a port of 127.0.0.1 of its own.
    pub fn start(upstream: impl ToSocketAddrs) -> Self {
        let mut addresses = upstream.to_socket_addrs().expect("the address of the upstream server");
        let upstream = addresses.next().expect("the upstream server has an address");
        let shared = Arc::new(Shared::default());
        let (addr, thread) = listener::start(upstream, Arc::clone(&shared));
        Self { shared, addr, thread: Some(thread) }
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a broker behind this proxy, for `guest`.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}", self.addr)
    }

    /// Passes exactly `bytes` more of one direction, counted from now over all connections, and then closes every
    /// connection at both ends. With 0, they close at the next byte, which does not pass. It happens once; new connections
    /// pass.
    pub fn cut_after(&self, direction: Direction, bytes: u64) {
        self.shared.set_budget(direction, Some(bytes));
    }

    /// Resets every connection now, at both ends. New ones pass.
    pub fn cut(&self) {
        self.shared.cut();
    }

    /// Ends the connection of the next client that sends these bytes, in one piece: without passing them on. It happens once;
    /// other connections live.
    pub fn cut_before(&self, request: &'static [u8]) {
        self.shared.set_trap(Some(Trap { request, passes: false }));
    }

    /// As [`cut_before`](Self::cut_before), but the request is passed on, a moment is left to do what it asks for, and only the
    /// answer is lost.
    pub fn cut_behind(&self, request: &'static [u8]) {
        self.shared.set_trap(Some(Trap { request, passes: true }));
    }

    /// Whether a cut at a request is still to come.
    pub fn is_waiting_to_cut(&self) -> bool {
        self.shared.has_trap()
    }

    /// Holds each piece of one direction back for `delay`, and up to `jitter` more, drawn from `seed`. Order is kept, and
    /// a megabyte at most is held back a connection.
    pub fn delay(&self, direction: Direction, delay: Duration, jitter: Duration, seed: u64) {
        self.shared.change(|faults| faults.link(direction).delay = Some(Delay { base: delay, jitter, seed }));
    }

    /// Passes no more than so many bytes a second and connection in one direction.
    ///
    /// # Panics
    /// At 0 bytes: that is [`swallow`](Self::swallow), or a long [`delay`](Self::delay).
    pub fn throttle(&self, direction: Direction, bytes_per_second: u64) {
        assert!(bytes_per_second > 0, "a throttled link passes something");
        self.shared.change(|faults| faults.link(direction).throttle = Some(bytes_per_second));
    }

    /// Reads one direction and passes nothing on, not even its end: a link that went dead without a word. A connection that
    /// has lost bytes so stays dead in that direction, also after [`heal`](Self::heal), until it is [`cut`](Self::cut).
    pub fn swallow(&self, direction: Direction) {
        self.shared.change(|faults| faults.link(direction).swallow = true);
    }

    /// Swallows both directions: a half-open link.
    pub fn half_open(&self) {
        self.swallow(Direction::ToBroker);
        self.swallow(Direction::ToClient);
    }

    /// Refuses new connections, as if nobody listened. Those that are open stay.
    pub fn refuse(&self) {
        self.listen(false);
    }

    /// Ends every fault: what comes from now on passes, and what was held back goes on its way.
    pub fn heal(&self) {
        for direction in Direction::BOTH {
            self.shared.set_budget(direction, None);
        }
        self.shared.set_trap(None);
        self.shared.change(|faults| {
            for direction in Direction::BOTH {
                *faults.link(direction) = faults::Link::default();
            }
        });
        self.listen(true);
    }

    /// The bytes of one direction that were passed on.
    pub fn passed(&self, direction: Direction) -> u64 {
        self.shared.counters(direction).passed()
    }

    /// The bytes of one direction that were swallowed.
    pub fn swallowed(&self, direction: Direction) -> u64 {
        self.shared.counters(direction).swallowed()
    }

    /// The connections that were accepted so far.
    pub fn connections(&self) -> u64 {
        self.shared.accepted()
    }

    /// The connections that are open now.
    pub fn open(&self) -> u64 {
        self.shared.open()
    }

    fn listen(&self, listen: bool) {
        self.shared.change(|faults| faults.listen = listen);
        self.shared.wait_until_listening(listen);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.change(|faults| faults.over = true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
