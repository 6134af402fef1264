//! A fake AMQP 0-9-1 server, for what a real one does not do on demand.
//!
//! ```no_run
//! use swit_testbed::fake::{Answer, Fake};
//!
//! // Confirms each pair of messages backwards, and refuses every tenth.
//! let fake = Fake::start(|publish| match publish.tag {
//!     tag if tag % 10 == 0 => vec![Answer::nack(tag), Answer::ack(tag - 1)],
//!     tag if tag % 2 == 0 => vec![Answer::ack(tag), Answer::ack(tag - 1)],
//!     _ => Vec::new(),
//! });
//! println!("connect to {}", fake.url());
//! ```
//!
//! It lets every client in, says yes to every declaration and registration, and keeps no messages: it records what it gets,
//! and a script decides what a publish is answered. Deliveries are what a test sends by [`Fake::answer`]. It has threads of
//! its own and no heartbeat, and it answers `no-wait` like any other request.

mod answer;
mod session;
pub(crate) mod wire;

use std::{
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

pub use self::answer::Answer;
use self::session::Session;

/// A message that a client published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publish {
    /// Where it came by.
    pub at: At,
    /// Its delivery tag: it counts from 1 on its channel, as confirms do, whether or not they were asked for.
    pub tag: u64,
    /// Its exchange.
    pub exchange: String,
    /// Its routing key.
    pub routing_key: String,
    /// Whether it must be returned where nothing takes it.
    pub mandatory: bool,
    /// Its content header's flags and properties, as they came.
    pub properties: Vec<u8>,
    /// Its body, whole.
    pub body: Vec<u8>,
}

/// A channel of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct At {
    /// The connection's number, from 0 in the order in which they came.
    pub connection: usize,
    /// The channel's number; 0 is the connection itself.
    pub channel: u16,
}

/// A consumer that a client registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumer {
    /// Where it waits.
    pub at: At,
    /// Its tag.
    pub tag: String,
    /// Its queue.
    pub queue: String,
}

/// What a client said of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// Where it came by.
    pub at: At,
    /// The delivery's tag.
    pub tag: u64,
    /// What became of it.
    pub verdict: Verdict,
    /// Whether all earlier deliveries are meant as well.
    pub multiple: bool,
}

/// The ways to settle a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `basic.ack`.
    Acked,
    /// `basic.nack` or `basic.reject`, to be delivered again.
    Requeued,
    /// `basic.nack` or `basic.reject` for good.
    Rejected,
}

/// What a fake has seen, and its connections.
#[derive(Debug, Default)]
struct Seen {
    publishes: Vec<Publish>,
    consumers: Vec<Consumer>,
    settlements: Vec<Settlement>,
    connections: Vec<TcpStream>,
    declarations: usize,
    declaring: Declaring,
    over: bool,
}

/// What a fake makes of declarations of queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Declaring {
    /// It says yes.
    #[default]
    Granted,
    /// It closes their channels, as when a queue exists with other properties.
    Refused,
    /// It says nothing.
    Ignored,
}

type Script = Box<dyn FnMut(&Publish) -> Vec<Answer> + Send>;

/// A fake server; it ends with its value.
#[derive(Debug)]
pub struct Fake {
    addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Fake {
    /// Starts a server whose `script` decides what each publish is answered, in the order in which they come over all
    /// connections. No answer leaves the message unconfirmed.
    pub fn start(script: impl FnMut(&Publish) -> Vec<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let addr = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(script)));
        let shared = Arc::clone(&seen);
        let thread = thread::spawn(move || accept(&listener, &shared, &script));
        Self { addr, seen, thread: Some(thread) }
    }

    /// A server that confirms everything at once.
    pub fn obliging() -> Self {
        Self::start(|publish| vec![Answer::ack(publish.tag)])
    }

    /// Where clients connect to.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where clients connect to, with whatever user.
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@{}", self.addr)
    }

    /// All messages that were published so far.
    pub fn publishes(&self) -> Vec<Publish> {
        self.lock().publishes.clone()
    }

    /// All consumers that were registered so far; the last one is the newest.
    pub fn consumers(&self) -> Vec<Consumer> {
        self.lock().consumers.clone()
    }

    /// All that was said of deliveries so far.
    pub fn settlements(&self) -> Vec<Settlement> {
        self.lock().settlements.clone()
    }

    /// The connections that came so far.
    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    /// From now on, declarations of queues are answered so.
    pub fn declare(&self, declaring: Declaring) {
        self.lock().declaring = declaring;
    }

    /// How many queues were declared so far, whatever the answer.
    pub fn declarations(&self) -> usize {
        self.lock().declarations
    }

    /// Sends something of its own accord. Answers whether the connection still took it.
    pub fn answer(&self, at: At, answer: &Answer) -> bool {
        answer.pause();
        let seen = self.lock();
        let Some(stream) = seen.connections.get(at.connection) else { return false };
        answer.send(stream, at, &seen.publishes).is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        {
            let mut seen = self.lock();
            seen.over = true;
            for stream in &seen.connections {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
        // Wakes the thread that accepts, to see that it is over.
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Accepts until it is over, and waits for the end of every connection's thread.
fn accept(listener: &TcpListener, seen: &Arc<Mutex<Seen>>, script: &Arc<Mutex<Script>>) {
    let mut sessions = Vec::new();
    for stream in listener.incoming().flatten() {
        let mut guard = lock(seen);
        if guard.over {
            break;
        }
        let Ok(own) = stream.try_clone() else { continue };
        let _ = (stream.set_nodelay(true), stream.set_write_timeout(Some(Duration::from_secs(10))));
        let number = guard.connections.len();
        guard.connections.push(own);
        drop(guard);
        let session = Session::new(stream, number, Arc::clone(seen), Arc::clone(script));
        sessions.push(thread::spawn(move || session.run()));
    }
    for session in sessions {
        let _ = session.join();
    }
}
