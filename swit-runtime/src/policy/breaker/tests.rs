//! The breaker against a simple model.

use std::time::Duration;

use proptest::prelude::*;
use swit_grammar::Breaker as Written;
use tokio::time::advance;

use super::*;
use crate::clock::Clock;

fn limits(failures: Option<u32>, half_open: u32) -> Limits {
    let written =
        Written { failures, half_open: Some(half_open), reset: Some(Duration::from_secs(10)), ..Written::DEFAULT };
    written.limits()
}

fn breaker(limits: Limits) -> Arc<Breaker> {
    let (name, place) = (Text::from_static("bank"), Text::from_static("here"));
    Arc::new(Breaker::new(name, place, limits, Alerts::new(Clock::default())))
}

const WHO: Text = Text::from_static("pay");

/// What a breaker is to be, without locks, gates and waiting.
#[derive(Debug)]
struct Model {
    failures: u32,
    half_open: u32,
    reset: u64,
    now: u64,
    generation: u32,
    phase: ModelPhase,
    /// The probes that are under way, of every generation.
    probes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum ModelPhase {
    Closed(u32),
    Open(u64),
    HalfOpen(u32),
}

impl Model {
    fn enter(&mut self) -> Option<(u32, bool)> {
        self.look();
        match self.phase {
            ModelPhase::Closed(_) => Some((self.generation, false)),
            ModelPhase::HalfOpen(succeeded) if succeeded + self.probes < self.half_open => {
                self.probes += 1;
                Some((self.generation, true))
            }
            ModelPhase::Open(_) | ModelPhase::HalfOpen(_) => None,
        }
    }

    fn look(&mut self) {
        if let ModelPhase::Open(until) = self.phase
            && until <= self.now
        {
            self.go(ModelPhase::HalfOpen(0));
        }
    }

    fn go(&mut self, phase: ModelPhase) {
        self.phase = phase;
        self.generation += 1;
    }

    fn end(&mut self, (generation, is_probe): (u32, bool), ended: Option<Ended>) {
        self.probes -= u32::from(is_probe);
        if generation != self.generation {
            return;
        }
        match (self.phase, ended) {
            (_, None | Some(Ended::Somehow)) | (ModelPhase::Open(_), _) => {}
            (ModelPhase::Closed(_), Some(Ended::Well)) => self.phase = ModelPhase::Closed(0),
            (ModelPhase::Closed(failures), Some(Ended::Badly)) if failures + 1 < self.failures => {
                self.phase = ModelPhase::Closed(failures + 1);
            }
            (_, Some(Ended::Badly)) => self.go(ModelPhase::Open(self.now + self.reset)),
            (ModelPhase::HalfOpen(succeeded), Some(Ended::Well)) if succeeded + 1 < self.half_open => {
                self.phase = ModelPhase::HalfOpen(succeeded + 1);
            }
            (ModelPhase::HalfOpen(_), Some(Ended::Well)) => self.go(ModelPhase::Closed(0)),
        }
    }

    fn has_room(&self) -> bool {
        match self.phase {
            ModelPhase::Closed(_) => true,
            ModelPhase::Open(_) => false,
            ModelPhase::HalfOpen(succeeded) => succeeded + self.probes < self.half_open,
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Enter,
    /// Ends one of those that are under way; `None`: it is cancelled.
    End(prop::sample::Index, Option<Ended>),
    Wait(u64),
    /// The keeper of the time looks.
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    let ended = prop_oneof![
        3 => Just(Some(Ended::Badly)),
        3 => Just(Some(Ended::Well)),
        1 => Just(Some(Ended::Somehow)),
        1 => Just(None)
    ];
    prop_oneof![
        4 => Just(Step::Enter),
        4 => (any::<prop::sample::Index>(), ended).prop_map(|(which, ended)| Step::End(which, ended)),
        1 => (0u64..12).prop_map(Step::Wait),
        1 => Just(Step::Look),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn it_is_what_the_model_is(
        failures in 1u32..5, half_open in 1u32..4, steps in prop::collection::vec(step(), 1..120),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let breaker = breaker(limits(Some(failures), half_open));
            let gate = Arc::new(Gate::new());
            breaker.keep_gate(&gate);
            let mut model = Model {
                failures, half_open, reset: 10, now: 0, generation: 0, phase: ModelPhase::Closed(0), probes: 0,
            };
            let mut under_way: Vec<(Pass, (u32, bool))> = Vec::new();
            for step in steps {
                match step {
                    Step::Enter => match (breaker.enter(), model.enter()) {
                        (Some(pass), Some(expected)) => {
                            prop_assert_eq!((pass.generation, pass.probe.is_some()), expected);
                            under_way.push((pass, expected));
                        }
                        (None, None) => {}
                        (found, expected) => prop_assert!(false, "{found:?} in place of {expected:?}"),
                    },
                    Step::End(which, ended) if !under_way.is_empty() => {
                        let (mut pass, expected) = under_way.swap_remove(which.index(under_way.len()));
                        match ended {
                            Some(Ended::Well) => breaker.succeeded(&mut pass, &WHO),
                            Some(ended) => breaker.record(&mut pass, ended, &WHO),
                            None => drop(pass),
                        }
                        model.end(expected, ended);
                    }
                    Step::End(..) => {}
                    Step::Wait(seconds) => {
                        advance(Duration::from_secs(seconds)).await;
                        model.now += seconds;
                    }
                    Step::Look => {
                        breaker.look_at_the_clock();
                        model.look();
                    }
                }
                let phase = match model.phase {
                    ModelPhase::Closed(_) => BreakerState::Closed,
                    ModelPhase::Open(until) => BreakerState::Open { until: breaker.base + Duration::from_secs(until) },
                    ModelPhase::HalfOpen(_) => BreakerState::HalfOpen,
                };
                prop_assert_eq!((breaker.now(), gate.is_open()), (phase, model.has_room()));
                let probes = under_way.iter().filter(|(pass, _)| pass.probe.is_some()).count();
                prop_assert!(probes <= half_open as usize, "{probes} probes are under way");
            }
            Ok(())
        })?;
    }
}

/// Many threads enter and leave; never are there more probes than may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_the_probes() {
    use std::sync::atomic::AtomicU32;

    let breaker = breaker(Limits { reset: Duration::from_millis(1), ..limits(Some(1), 2) });
    let (probes, entered) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..8u32 {
        let (breaker, probes, entered) = (breaker.clone(), probes.clone(), entered.clone());
        tasks.spawn(async move {
            for turn in 0..2_000u32 {
                let Some(mut pass) = breaker.enter() else {
                    tokio::task::yield_now().await;
                    continue;
                };
                if pass.probe.is_some() {
                    entered.fetch_add(1, Ordering::Relaxed);
                    assert!(probes.fetch_add(1, Ordering::SeqCst) < 2, "too many probes");
                    tokio::task::yield_now().await;
                    probes.fetch_sub(1, Ordering::SeqCst);
                }
                let ended = if (turn + number).is_multiple_of(3) { Ended::Badly } else { Ended::Well };
                breaker.record(&mut pass, ended, &WHO);
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    assert_eq!(breaker.lock().probes, 0);
    assert!(entered.load(Ordering::Relaxed) > 0);
}

#[tokio::test(start_paused = true)]
async fn a_rate_needs_its_volume_and_forgets_what_is_old() {
    let written = Written {
        rate: Some(0.5),
        min_volume: Some(4),
        window: Some(Duration::from_secs(10)),
        half_open: Some(1),
        ..Written::DEFAULT
    };
    let breaker = breaker(written.limits());
    let end = |ended| breaker.record(&mut breaker.enter().unwrap(), ended, &WHO);
    for _ in 0..3 {
        end(Ended::Badly);
    }
    advance(Duration::from_secs(11)).await;
    for ended in [Ended::Well, Ended::Badly, Ended::Well] {
        end(ended);
    }
    assert_eq!(breaker.now(), BreakerState::Closed);
    // Two of four are half; what says nothing is no attempt here.
    end(Ended::Somehow);
    end(Ended::Badly);
    assert!(matches!(breaker.now(), BreakerState::Open { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_comes_later_is_kept_and_one_that_goes_is_forgotten() {
    let breaker = breaker(limits(Some(1), 1));
    breaker.record(&mut breaker.enter().unwrap(), Ended::Badly, &WHO);
    let gate = Arc::new(Gate::new());
    breaker.keep_gate(&gate);
    assert!(!gate.is_open());
    gate.pause();
    gate.resume();
    assert!(!gate.is_open(), "a pause that ends opens no breaker");
    drop(gate);
    let other = Arc::new(Gate::new());
    breaker.keep_gate(&other);
    assert_eq!(breaker.lock().gates.len(), 1);
    let keeping = tokio::spawn({
        let breaker = breaker.clone();
        async move { breaker.keep_time().await }
    });
    other.opened().await;
    assert_eq!(breaker.now(), BreakerState::HalfOpen);
    keeping.abort();
}
