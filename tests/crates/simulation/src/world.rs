//! What everything in a world shares: its seed's chances, its clock, its trace, and what is outside of any process.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use swit::Clock;
use tokio::time::Instant;

use crate::{
    breach::Breach,
    chance::Chance,
    ledger::Ledger,
    weather::{Fault, Weather},
};

/// So much goes wrong at most: a process that is killed at every step never gets anywhere.
const MOST_FAULTS: u64 = 60;

/// Whoever makes so many calls turns in circles.
const MOST_CALLS: usize = 50_000;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) weather: Weather,
    pub(crate) ledger: Ledger,
    breach: Option<Breach>,
    began: Instant,
    faults: AtomicU64,
    calm: AtomicBool,
    sequence: AtomicU64,
    /// Subscriber and message id of whatever was delivered to a handler.
    delivered: Mutex<BTreeSet<(&'static str, String)>>,
    /// Orders whose event came after their instance was over.
    late: Mutex<BTreeSet<String>>,
    trace: Mutex<Vec<String>>,
}

impl World {
    pub(crate) fn new(seed: u64, breach: Option<Breach>) -> Self {
        let chance = Chance::new(seed);
        let weather = Weather::new(&chance);
        let world = Self {
            chance,
            weather,
            ledger: Ledger::default(),
            breach,
            began: Instant::now(),
            faults: AtomicU64::new(0),
            calm: AtomicBool::new(false),
            sequence: AtomicU64::new(0),
            delivered: Mutex::default(),
            late: Mutex::default(),
            trace: Mutex::default(),
        };
        world.note(0, format_args!("{:?}", world.weather));
        world
    }

    /// A wall clock that goes with the virtual one.
    pub(crate) fn clock(&self) -> Clock {
        let began = self.began;
        Clock::injected(move || SystemTime::UNIX_EPOCH + Duration::from_hours(24 * 365) + began.elapsed())
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm(&self) {
        self.calm.store(true, Ordering::Relaxed);
        self.note(0, format_args!("nothing goes wrong any more"));
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// What happens to the next call.
    pub(crate) fn next_fault(&self) -> Option<Fault> {
        if self.is_calm() || self.faults.load(Ordering::Relaxed) >= MOST_FAULTS {
            return None;
        }
        let fault = self.weather.next(&self.chance)?;
        self.faults.fetch_add(1, Ordering::Relaxed);
        Some(fault)
    }

    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// A number that is higher than all before.
    pub(crate) fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    /// Writes down what a process does; 0: the world itself.
    pub(crate) fn note(&self, process: u32, what: fmt::Arguments<'_>) {
        lock(&self.trace).push(format!("{:>9.3} p{process} {what}", self.began.elapsed().as_secs_f64()));
    }

    /// Whether this promise is broken.
    pub(crate) fn breaks(&self, promise: Breach) -> bool {
        self.breach == Some(promise)
    }

    /// Whether this promise is broken here: it is now and then, as long as things go wrong.
    pub(crate) fn breaks_here(&self, promise: Breach) -> bool {
        self.breaks(promise) && !self.is_calm() && self.chance.permille(100)
    }

    /// Whether so much has happened that it will never end.
    pub(crate) fn is_endless(&self) -> bool {
        lock(&self.trace).len() > MOST_CALLS
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.trace))
    }

    pub(crate) fn was_late(&self, order: String) {
        lock(&self.late).insert(order);
    }

    pub(crate) fn is_late(&self, order: &str) -> bool {
        lock(&self.late).contains(order)
    }

    pub(crate) fn was_delivered(&self, subscriber: &'static str, id: String) {
        lock(&self.delivered).insert((subscriber, id));
    }

    pub(crate) fn delivered(&self) -> BTreeSet<(&'static str, String)> {
        lock(&self.delivered).clone()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
