//! What the proxy does at the moment, and what it has done.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::sync::watch;

/// One of the two ways through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the client sends.
    ToBroker,
    /// What the broker, or any other server, sends.
    ToClient,
}

impl Direction {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::ToBroker, Self::ToClient];
}

/// The faults of one direction.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Link {
    pub(crate) delay: Option<Delay>,
    /// Bytes a second.
    pub(crate) throttle: Option<u64>,
    pub(crate) swallow: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Delay {
    pub(crate) base: Duration,
    pub(crate) jitter: Duration,
    pub(crate) seed: u64,
}

/// How connections are to end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Goes up by one a cut; a connection ends by the first cut after its start.
    pub(crate) number: u64,
    /// By a reset, or else by an orderly close, so that what was passed on before arrives.
    pub(crate) reset: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    links: [Link; 2],
    pub(crate) cut: Cut,
    pub(crate) listen: bool,
    pub(crate) over: bool,
}

impl Faults {
    pub(crate) fn link(&mut self, direction: Direction) -> &mut Link {
        &mut self.links[direction as usize]
    }

    pub(crate) fn of(&self, direction: Direction) -> Link {
        self.links[direction as usize]
    }
}

/// A request that ends its connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trap {
    pub(crate) request: &'static [u8],
    /// Only the answer is lost.
    pub(crate) passes: bool,
}

/// The bytes of one direction.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    passed: AtomicU64,
    swallowed: AtomicU64,
}

impl Counters {
    pub(crate) fn passed(&self) -> u64 {
        self.passed.load(Relaxed)
    }

    pub(crate) fn swallowed(&self) -> u64 {
        self.swallowed.load(Relaxed)
    }

    pub(crate) fn swallow(&self, bytes: usize) {
        self.swallowed.fetch_add(bytes as u64, Relaxed);
    }
}

/// What the proxy's owner and its connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    faults: watch::Sender<Faults>,
    listening: watch::Sender<bool>,
    /// What may still pass before the cut.
    budgets: Mutex<[Option<u64>; 2]>,
    trap: Mutex<Option<Trap>>,
    counters: [Counters; 2],
    accepted: AtomicU64,
    open: AtomicU64,
}

impl Default for Shared {
    fn default() -> Self {
        let faults = Faults { links: Default::default(), cut: Cut::default(), listen: true, over: false };
        Self {
            faults: watch::Sender::new(faults),
            listening: watch::Sender::new(true),
            budgets: Mutex::default(),
            trap: Mutex::default(),
            counters: Default::default(),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
        }
    }
}

impl Shared {
    pub(crate) fn change(&self, change: impl FnOnce(&mut Faults)) {
        self.faults.send_modify(change);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Faults> {
        self.faults.subscribe()
    }

    pub(crate) fn cut(&self) {
        self.change(|faults| faults.cut = Cut { number: faults.cut.number + 1, reset: true });
    }

    pub(crate) fn set_budget(&self, direction: Direction, bytes: Option<u64>) {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)[direction as usize] = bytes;
    }

    /// Takes `wanted` bytes off what may pass before the cut. Answers how many may, and whether the cut is due then.
    pub(crate) fn spend(&self, direction: Direction, wanted: usize) -> (usize, bool) {
        let mut budgets = self.budgets.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left) = &mut budgets[direction as usize] else { return (wanted, false) };
        let allowed = usize::try_from(*left).unwrap_or(usize::MAX).min(wanted);
        *left -= allowed as u64;
        let due = *left == 0;
        if due {
            budgets[direction as usize] = None;
        }
        (allowed, due)
    }

    pub(crate) fn set_trap(&self, trap: Option<Trap>) {
        *self.trap.lock().unwrap_or_else(PoisonError::into_inner) = trap;
    }

    pub(crate) fn has_trap(&self) -> bool {
        self.trap.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// The trap that these bytes run into; it is gone then.
    pub(crate) fn spring(&self, bytes: &[u8]) -> Option<Trap> {
        let mut trap = self.trap.lock().unwrap_or_else(PoisonError::into_inner);
        trap.take_if(|trap| bytes.windows(trap.request.len()).any(|window| window == trap.request))
    }

    /// The cut after the last byte that was allowed.
    pub(crate) fn close_all(&self) {
        self.change(|faults| faults.cut = Cut { number: faults.cut.number + 1, reset: false });
    }

    pub(crate) fn counters(&self, direction: Direction) -> &Counters {
        &self.counters[direction as usize]
    }

    pub(crate) fn pass(&self, direction: Direction, bytes: usize) {
        self.counters(direction).passed.fetch_add(bytes as u64, Relaxed);
    }

    /// Takes back what was counted and did not pass.
    pub(crate) fn keep(&self, direction: Direction, bytes: usize) {
        self.counters(direction).passed.fetch_sub(bytes as u64, Relaxed);
    }

    /// Counts a connection, and answers its number.
    pub(crate) fn opened(&self) -> u64 {
        self.open.fetch_add(1, Relaxed);
        self.accepted.fetch_add(1, Relaxed)
    }

    pub(crate) fn closed(&self) {
        self.open.fetch_sub(1, Relaxed);
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Relaxed)
    }

    pub(crate) fn open(&self) -> u64 {
        self.open.load(Relaxed)
    }

    pub(crate) fn set_listening(&self, listening: bool) {
        self.listening.send_replace(listening);
    }

    /// Blocks until the listener has done as told: a millisecond, for it runs in a thread of its own.
    pub(crate) fn wait_until_listening(&self, listening: bool) {
        let began = Instant::now();
        while *self.listening.borrow() != listening {
            assert!(began.elapsed() < Duration::from_secs(10), "the proxy's listener did not follow");
            thread::sleep(Duration::from_micros(200));
        }
    }
}
