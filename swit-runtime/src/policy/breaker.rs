//! The circuit breaker: closed, open, half-open.
//!
//! ```text
//! closed ── failures in a row, or their share of a window ──▶ open ── reset is over ──▶ half-open
//!    ▲                                                          ▲                          │
//!    │                                                          └────── a probe failed ────┤
//!    └────────────────────── as many probes as it admits have succeeded ──────────────────┘
//! ```
//!
//! Guarantees:
//! - while it is open no attempt begins, and while it is half-open never more than its probes are under way;
//! - how an attempt ended counts only in the state in which it began: each state has a generation of its own;
//! - it closes on the result that satisfies it, and says so to everybody who waits;
//! - no lock is held while an attempt runs: to enter and to record are two steps, and both are one load as long as all goes
//!   well and no failure rate is taken.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use swit_grammar::{
    breaker::{Limits, Rate},
    duration,
};
use tokio::{sync::watch, time::Instant};

use super::{Gate, gate::Bar, window::Window};
use crate::{
    alert::{AlertKind, Alerts, Level},
    classify::Class,
    failpoint::{self, Sabotage},
    text::Text,
};

/// How a circuit breaker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// All goes well, or well enough: messages are pulled.
    Closed,
    /// Too much failed: nothing is pulled.
    Open {
        /// Until then.
        until: Instant,
    },
    /// A few messages are pulled, to see how they go.
    HalfOpen,
}

/// A breaker, of one subscriber or of all that name it.
#[derive(Debug)]
pub(crate) struct Breaker {
    name: Text,
    /// Where the first of its subscribers is written.
    place: Text,
    limits: Limits,
    alerts: Alerts,
    base: Instant,
    /// What whoever enters, or comes back with a success, needs to see: see [`glance`].
    glance: AtomicU64,
    /// Successes that the window does not know of yet: to look at the clock for each would cost more than all the rest.
    uncounted: AtomicU32,
    state: Mutex<State>,
    told: watch::Sender<BreakerState>,
}

#[derive(Debug)]
struct State {
    generation: u32,
    phase: Phase,
    /// Probes under way, those of earlier generations included.
    probes: u32,
    window: Option<Window>,
    /// When the window was told last, since `base`.
    counted: Duration,
    /// The gates of its subscribers.
    gates: Vec<Weak<Gate>>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen { succeeded: u32 },
}

impl State {
    /// Begins a phase: the next generation, with nothing noted.
    fn begin(&mut self, phase: Phase) {
        self.generation = self.generation.wrapping_add(1);
        self.phase = phase;
        if let Some(window) = &mut self.window {
            window.clear();
        }
    }
}

/// How an attempt ended, as a breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Well.
    Well,
    /// As attempts fail when something that they need does not work.
    Badly,
    /// In a way that says nothing of what it needs.
    Somehow,
}

impl From<Class> for Ended {
    fn from(class: Class) -> Self {
        match class {
            Class::Transient | Class::Throttle | Class::SystemFailure => Self::Badly,
            Class::InvalidInput | Class::Permanent => Self::Somehow,
        }
    }
}

/// The right to make one attempt, in one generation of its breaker.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    generation: u32,
    /// Set where it is one of the few of a half-open breaker. Dropped, it makes room for another.
    probe: Option<Probe>,
}

impl Pass {
    /// Whether it is one of the few attempts of a half-open breaker.
    pub(crate) fn is_probe(&self) -> bool {
        self.probe.is_some()
    }
}

/// One of the few attempts of a half-open breaker; empty once its result is recorded.
#[derive(Debug)]
struct Probe(Option<Arc<Breaker>>);

impl Drop for Probe {
    fn drop(&mut self) {
        if let Some(breaker) = self.0.take() {
            let mut state = breaker.lock();
            state.probes = state.probes.saturating_sub(1);
            breaker.set_gates(&state);
        }
    }
}

/// What changed, to be told once the lock is gone.
enum Change {
    None,
    Opened { why: String },
    Closed,
}

/// It is closed.
const IS_CLOSED: u64 = 1;
/// A success changes nothing.
const IS_CALM: u64 = 2;
/// A success is counted, and changes nothing else.
const IS_COUNTED: u64 = 4;
/// How many bits those are.
const FLAGS: u32 = 3;
/// So many successes are counted together.
const TOGETHER: u32 = 8;

fn glance(state: &State) -> u64 {
    let flags = match state.phase {
        Phase::Closed { failures: 0 } if state.window.is_none() => IS_CLOSED | IS_CALM,
        Phase::Closed { failures: 0 } => IS_CLOSED | IS_COUNTED,
        Phase::Closed { .. } => IS_CLOSED,
        Phase::Open { .. } | Phase::HalfOpen { .. } => 0,
    };
    u64::from(state.generation) << FLAGS | flags
}

fn generation_of(glance: u64) -> u32 {
    // It was put there from 32 bits.
    u32::try_from(glance >> FLAGS).unwrap_or_default()
}

impl Breaker {
    /// A closed one.
    pub(crate) fn new(name: Text, place: Text, limits: Limits, alerts: Alerts) -> Self {
        let state = State {
            generation: 0,
            phase: Phase::Closed { failures: 0 },
            probes: 0,
            window: limits.rate.map(|rate| Window::new(rate.window)),
            counted: Duration::ZERO,
            gates: Vec::new(),
        };
        Self {
            name,
            place,
            limits,
            alerts,
            base: Instant::now(),
            glance: AtomicU64::new(glance(&state)),
            uncounted: AtomicU32::new(0),
            state: Mutex::new(state),
            told: watch::Sender::new(BreakerState::Closed),
        }
    }

    /// Where the first of its subscribers is written.
    pub(crate) fn place(&self) -> &Text {
        &self.place
    }

    /// What opens and closes it.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// How it is, to be watched.
    pub(crate) fn watch(&self) -> watch::Receiver<BreakerState> {
        self.told.subscribe()
    }

    /// How it is.
    pub(crate) fn now(&self) -> BreakerState {
        *self.told.borrow()
    }

    /// Keeps this gate from now on: shut while nothing may begin.
    pub(crate) fn keep_gate(&self, gate: &Arc<Gate>) {
        let mut state = self.lock();
        state.gates.retain(|kept| kept.strong_count() > 0);
        state.gates.push(Arc::downgrade(gate));
        self.set_gates(&state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned state is still a consistent one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters with an attempt. `None`: none may begin now, and the gates are shut, or were a moment ago.
    #[inline]
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Pass> {
        let glance = self.glance.load(Ordering::Acquire);
        if glance & IS_CLOSED != 0 {
            return Some(Pass { generation: generation_of(glance), probe: None });
        }
        self.enter_as_probe()
    }

    #[cold]
    fn enter_as_probe(self: &Arc<Self>) -> Option<Pass> {
        // Whoever comes after its time finds it half-open, whether or not anybody looked at the clock.
        self.look_at_the_clock();
        let mut state = self.lock();
        if failpoint::is_broken(Sabotage::PullWhileOpen) {
            return Some(Pass::default());
        }
        let generation = state.generation;
        match state.phase {
            Phase::Closed { .. } => Some(Pass { generation, probe: None }),
            Phase::HalfOpen { .. } if self.has_room(&state) => {
                state.probes += 1;
                self.set_gates(&state);
                Some(Pass { generation, probe: Some(Probe(Some(Arc::clone(self)))) })
            }
            Phase::Open { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    /// Records a success.
    #[inline]
    pub(crate) fn succeeded(&self, pass: &mut Pass, subscriber: &Text) {
        let (glance, own) = (self.glance.load(Ordering::Relaxed), u64::from(pass.generation) << FLAGS | IS_CLOSED);
        if pass.probe.is_none() {
            if glance == own | IS_CALM {
                return;
            }
            if glance == own | IS_COUNTED {
                if self.uncounted.fetch_add(1, Ordering::Relaxed) + 1 < TOGETHER {
                    return;
                }
                // Recorded as itself.
                self.uncounted.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.record(pass, Ended::Well, subscriber);
    }

    /// Records how an attempt ended.
    pub(crate) fn record(&self, pass: &mut Pass, ended: Ended, subscriber: &Text) {
        let Pass { generation, probe } = mem::take(pass);
        let now = Instant::now();
        let mut state = self.lock();
        let (before, was_probe) = (glance(&state), probe.is_some());
        if let Some(mut probe) = probe {
            probe.0 = None;
            state.probes = state.probes.saturating_sub(1);
        }
        let change = if state.generation == generation { self.judge(&mut state, ended, now) } else { Change::None };
        if was_probe || glance(&state) != before {
            self.tell(&state);
        }
        drop(state);
        match change {
            Change::None => {}
            Change::Opened { why } => self.opened(&why, subscriber),
            Change::Closed => tracing::info!(breaker = %self.name, %subscriber, "the circuit breaker closes"),
        }
    }

    fn judge(&self, state: &mut State, ended: Ended, now: Instant) -> Change {
        if ended == Ended::Somehow {
            return Change::None;
        }
        let failed = ended == Ended::Badly;
        match &mut state.phase {
            Phase::Closed { failures } => {
                *failures = if failed { failures.saturating_add(1) } else { 0 };
                let failures = *failures;
                let at = now - self.base;
                if let (Some(window), Some(rate)) = (&mut state.window, self.limits.rate) {
                    let uncounted = self.uncounted.swap(0, Ordering::Relaxed);
                    // They ended since it was told last; when that is longer ago than it reaches, nobody knows when.
                    let is_long_ago = at.saturating_sub(state.counted) > rate.window;
                    window.note(if is_long_ago { state.counted } else { at }, uncounted, 0);
                    window.note(at, 1, u32::from(failed));
                    state.counted = at;
                }
                if !failed {
                    return Change::None;
                }
                let counts = state.window.as_ref().map(|window| window.counts(at));
                let why = too_much(failures, counts, &self.limits);
                why.map_or(Change::None, |why| self.open(state, now, why))
            }
            Phase::HalfOpen { .. } if failed => self.open(state, now, "a probe failed".to_owned()),
            Phase::HalfOpen { succeeded } => {
                *succeeded += 1;
                if *succeeded < self.limits.half_open {
                    return Change::None;
                }
                state.begin(Phase::Closed { failures: 0 });
                Change::Closed
            }
            Phase::Open { .. } => Change::None,
        }
    }

    fn open(&self, state: &mut State, now: Instant, why: String) -> Change {
        state.begin(Phase::Open { until: now + self.limits.reset });
        Change::Opened { why }
    }

    /// Half-opens it if its time has come.
    pub(crate) fn look_at_the_clock(&self) {
        let mut state = self.lock();
        if matches!(state.phase, Phase::Open { until } if until <= Instant::now()) {
            state.begin(Phase::HalfOpen { succeeded: 0 });
            self.tell(&state);
            drop(state);
            tracing::info!(breaker = %self.name, probes = self.limits.half_open, "the circuit breaker is half-open");
        }
    }

    /// Half-opens it whenever its time comes. Whoever consumes has one task that does.
    pub(crate) async fn keep_time(&self) {
        let mut told = self.watch();
        loop {
            let until = match told.wait_for(|state| matches!(state, BreakerState::Open { .. })).await.as_deref() {
                Ok(BreakerState::Open { until }) => *until,
                Ok(_) => continue,
                Err(_) => return,
            };
            tokio::time::sleep_until(until).await;
            self.look_at_the_clock();
        }
    }

    fn has_room(&self, state: &State) -> bool {
        match state.phase {
            Phase::Closed { .. } => true,
            Phase::Open { .. } => false,
            Phase::HalfOpen { succeeded } => succeeded.saturating_add(state.probes) < self.limits.half_open,
        }
    }

    /// Makes what others look at agree with the state. Under its lock, so that what is seen last is what is so.
    fn tell(&self, state: &State) {
        self.glance.store(glance(state), Ordering::Release);
        let now = match state.phase {
            Phase::Closed { .. } => BreakerState::Closed,
            Phase::Open { until } => BreakerState::Open { until },
            Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        };
        self.set_gates(state);
        self.told.send_if_modified(|told| mem::replace(told, now) != now);
    }

    fn set_gates(&self, state: &State) {
        let is_shut = !self.has_room(state) && !failpoint::is_broken(Sabotage::PullWhileOpen);
        let lasts = is_shut && matches!(state.phase, Phase::Open { .. });
        for gate in state.gates.iter().filter_map(Weak::upgrade) {
            gate.set(Bar::Breaker, is_shut);
            gate.set(Bar::Open, lasts);
        }
    }

    /// Says once that it opened: in the log, and to whoever is to look at it.
    #[cold]
    fn opened(&self, why: &str, subscriber: &Text) {
        let reset = self.limits.reset;
        tracing::error!(breaker = %self.name, %subscriber, why, ?reset, "the circuit breaker opens; nothing is pulled");
        let text = format!("{why} ({subscriber}); nothing is pulled for {}", duration::format(reset));
        self.alerts.note(Level::Error, AlertKind::BreakerOpened, &self.name, &text);
    }
}

/// Why it is to open, if it is.
fn too_much(failures: u32, counts: Option<(u32, u32)>, limits: &Limits) -> Option<String> {
    if limits.failures.is_some_and(|most| failures >= most) {
        return Some(if failures == 1 { "a failure".to_owned() } else { format!("{failures} failures in a row") });
    }
    let (Some(Rate { share, min_volume, .. }), Some((attempts, failed))) = (limits.rate, counts) else { return None };
    let is_too_much = attempts >= min_volume && f64::from(failed) >= share * f64::from(attempts);
    is_too_much.then(|| format!("{failed} of the last {attempts} attempts failed"))
}

#[cfg(test)]
mod tests;
