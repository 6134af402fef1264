//! Random interleavings of everything that can be done to a queue, against a model that is plainly right.
//!
//! A failure prints the steps that lead to it, shrunk, and the seed that repeats it (`SWIT_SEED=… cargo test`).

use std::{
    collections::BTreeMap,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tokio::time::{Instant, advance};

use super::{MemoryOptions, MemoryTransport};
use crate::{
    message::Message,
    transport::{
        Delivery, Publication, Publishing, Queue, Room, SubscribeOptions, Subscription, Target, Transport, Verdict,
    },
};

const CAPACITY: usize = 6;
const PREFETCH: usize = 3;
const SUBSCRIPTIONS: usize = 2;

#[derive(Debug, Clone)]
enum Step {
    Publish {
        priority: u8,
        delay: u64,
        ttl: Option<u64>,
    },
    /// Past the bound.
    Replace,
    /// Takes the oldest publication that waits for room back.
    Cancel,
    Poll {
        subscription: usize,
    },
    /// Settles one of the deliveries that are out.
    Settle {
        which: usize,
        verdict: Verdict,
    },
    Drop {
        which: usize,
    },
    /// Closes a subscription and makes another one.
    Resubscribe {
        subscription: usize,
    },
    Wait {
        millis: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop_oneof![4 => Just(Verdict::Ack), 2 => Just(Verdict::Requeue), 1 => Just(Verdict::Reject)];
    let priority = prop_oneof![3 => Just(0_u8), 1 => 1..=9_u8];
    let delay = prop_oneof![3 => Just(0), 1 => 1..50_u64];
    let ttl = prop_oneof![3 => Just(None), 1 => (1..50_u64).prop_map(Some)];
    prop_oneof![
        8 => (priority, delay, ttl).prop_map(|(priority, delay, ttl)| Step::Publish { priority, delay, ttl }),
        1 => Just(Step::Replace),
        1 => Just(Step::Cancel),
        8 => (0..SUBSCRIPTIONS).prop_map(|subscription| Step::Poll { subscription }),
        4 => (any::<usize>(), verdict).prop_map(|(which, verdict)| Step::Settle { which, verdict }),
        2 => any::<usize>().prop_map(|which| Step::Drop { which }),
        1 => (0..SUBSCRIPTIONS).prop_map(|subscription| Step::Resubscribe { subscription }),
        2 => (1..60_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

#[derive(Debug, Clone)]
struct Known {
    number: u32,
    priority: u8,
    ttl: Option<Duration>,
    delay: Duration,
    redeliveries: u32,
    /// Once it is ready.
    expires: Option<Instant>,
}

/// What the queue should be, in lists.
#[derive(Default)]
struct Model {
    /// By place: lowest first, of the highest priority.
    ready: BTreeMap<(u8, u64), Known>,
    delayed: Vec<(Instant, u64, Known)>,
    out: usize,
    waiting: Vec<Known>,
    dead: usize,
    arrivals: u64,
}

impl Model {
    fn held(&self) -> usize {
        self.ready.len() + self.delayed.len() + self.out
    }

    fn arrive(&mut self, mut known: Known, now: Instant) {
        self.arrivals += 1;
        known.expires = known.ttl.map(|ttl| now + ttl);
        self.ready.insert((9 - known.priority, self.arrivals), known);
    }

    fn enter(&mut self, known: Known) {
        let now = Instant::now();
        if known.delay.is_zero() {
            self.arrive(known, now);
        } else {
            self.arrivals += 1;
            self.delayed.push((now + known.delay, self.arrivals, known));
        }
    }

    /// Lets time do its work: what is due arrives, what is over goes, who waits enters.
    fn settle_down(&mut self) {
        let now = Instant::now();
        self.delayed.sort_by_key(|(due, arrival, _)| (*due, *arrival));
        while self.delayed.first().is_some_and(|(due, ..)| *due <= now) {
            let (_, _, known) = self.delayed.remove(0);
            self.arrive(known, now);
        }
        self.ready.retain(|_, known| known.expires.is_none_or(|expires| expires > now));
        while self.held() < CAPACITY && !self.waiting.is_empty() {
            let known = self.waiting.remove(0);
            self.enter(known);
        }
    }
}

struct Out {
    delivery: Delivery,
    place: (u8, u64),
    known: Known,
    subscription: u64,
}

struct Trial {
    transport: MemoryTransport,
    subscriptions: Vec<(u64, Arc<dyn Subscription>)>,
    opened: u64,
    model: Model,
    out: Vec<Out>,
    waiting: Vec<(u32, Publishing)>,
    published: u32,
}

impl Trial {
    async fn new() -> Self {
        let transport = MemoryTransport::new("model", MemoryOptions::default().with_capacity(CAPACITY));
        transport.declare(&[Queue::subscriber("q", ["t"]).with_dead_letter("dlq")]).await.unwrap();
        let mut trial = Self {
            transport,
            subscriptions: Vec::new(),
            opened: 0,
            model: Model::default(),
            out: Vec::new(),
            waiting: Vec::new(),
            published: 0,
        };
        for _ in 0..SUBSCRIPTIONS {
            let opened = trial.open().await;
            trial.subscriptions.push(opened);
        }
        trial
    }

    async fn open(&mut self) -> (u64, Arc<dyn Subscription>) {
        self.opened += 1;
        let prefetch = u32::try_from(PREFETCH).unwrap();
        (self.opened, self.transport.subscribe(SubscribeOptions::new("q", "s", prefetch)).await.unwrap())
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Publish { priority, delay, ttl } => {
                let (delay, ttl) = (Duration::from_millis(delay), ttl.map(Duration::from_millis));
                self.publish(priority, delay, ttl, Room::Wait);
            }
            Step::Replace => self.publish(0, Duration::ZERO, None, Room::Replaces),
            Step::Cancel => {
                if !self.waiting.is_empty() {
                    let (number, publishing) = self.waiting.remove(0);
                    drop(publishing);
                    self.model.waiting.retain(|known| known.number != number);
                }
            }
            Step::Poll { subscription } => self.poll(subscription),
            Step::Settle { which, verdict } => {
                if let Some(Out { delivery, place, known, .. }) = self.pick(which) {
                    delivery.settle(verdict);
                    match verdict {
                        Verdict::Ack => {}
                        Verdict::Requeue => drop(self.model.ready.insert(place, known)),
                        Verdict::Reject => self.model.dead += 1,
                    }
                }
            }
            Step::Drop { which } => {
                if let Some(Out { delivery, place, mut known, .. }) = self.pick(which) {
                    drop(delivery);
                    known.redeliveries += 1;
                    self.model.ready.insert(place, known);
                }
            }
            Step::Resubscribe { subscription } => {
                self.subscriptions[subscription].1.close();
                assert!(matches!(self.poll_of(subscription), Poll::Ready(None)), "a closed subscription hands out");
                let opened = self.open().await;
                self.subscriptions[subscription] = opened;
            }
            Step::Wait { millis } => {
                // One at a time: what is due at one moment may be over at the next.
                for _ in 0..millis {
                    advance(Duration::from_millis(1)).await;
                    self.rest().await;
                }
            }
        }
        self.rest().await;
        self.compare();
    }

    /// Lets the timer's task run, and the model's time.
    async fn rest(&mut self) {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.model.settle_down();
        let still: Vec<u32> = self.model.waiting.iter().map(|known| known.number).collect();
        for (number, publishing) in &mut self.waiting {
            let answer = std::pin::Pin::new(publishing).poll(&mut Context::from_waker(Waker::noop()));
            match answer {
                Poll::Pending => assert!(still.contains(number), "{number} should have entered"),
                Poll::Ready(answer) => {
                    assert!(answer.is_ok_and(|receipt| receipt.routed), "{number}");
                    assert!(!still.contains(number), "{number} should wait");
                }
            }
        }
        self.waiting.retain(|(number, _)| still.contains(number));
    }

    fn publish(&mut self, priority: u8, delay: Duration, ttl: Option<Duration>, room: Room) {
        self.published += 1;
        let number = self.published;
        let mut message = Message::new("t", number.to_string()).with_priority(priority);
        message.ttl = ttl;
        let target = if room == Room::Replaces { Target::Queue("q".into()) } else { Target::Topic };
        let publication = Publication::new(message).delayed(delay).with_room(room).to(target);
        let answer = self.transport.publisher().publish(publication);
        let known = Known { number, priority, ttl, delay, redeliveries: 0, expires: None };
        let waits = room == Room::Wait && (self.model.held() >= CAPACITY || !self.model.waiting.is_empty());
        assert_eq!(matches!(answer, Publishing::Pending(_)), waits, "{number} should wait: {waits}");
        if waits {
            self.model.waiting.push(known);
            self.waiting.push((number, answer));
        } else {
            self.model.enter(known);
        }
    }

    fn poll_of(&self, subscription: usize) -> Poll<Option<Delivery>> {
        self.subscriptions[subscription].1.poll_next(0, &mut Context::from_waker(Waker::noop()))
    }

    fn poll(&mut self, subscription: usize) {
        let id = self.subscriptions[subscription].0;
        let room = self.out.iter().filter(|out| out.subscription == id).count() < PREFETCH;
        let polled = self.poll_of(subscription);
        let expected = if room { self.model.ready.pop_first() } else { None };
        match (polled, expected) {
            (Poll::Pending, None) => {}
            (Poll::Ready(Some(delivery)), Some((place, known))) => {
                assert_eq!(delivery.message().payload, known.number.to_string(), "not the first that is ready");
                assert_eq!(delivery.redeliveries, known.redeliveries);
                self.model.out += 1;
                self.out.push(Out { delivery, place, known, subscription: id });
            }
            (polled, expected) => panic!("{polled:?} instead of {expected:?}"),
        }
    }

    fn pick(&mut self, which: usize) -> Option<Out> {
        let index = which.checked_rem(self.out.len())?;
        self.model.out -= 1;
        Some(self.out.swap_remove(index))
    }

    fn compare(&self) {
        let inspect = self.transport.inspect().unwrap();
        assert_eq!(inspect.depth("q"), Some(self.model.held()), "depth");
        assert_eq!(inspect.depth("dlq"), Some(self.model.dead), "dead letters");
        let ready: Vec<_> = inspect.browse("q", usize::MAX).into_iter().map(|message| message.payload).collect();
        let expected: Vec<_> = self.model.ready.values().map(|known| known.number.to_string()).collect();
        assert_eq!(ready, expected, "what lies ready, in order");
    }
}

/// A seed of eight bytes is enough to tell runs apart; the rest is zero.
fn seeded(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[test]
fn a_queue_is_what_the_model_says() {
    let seed = std::env::var("SWIT_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(0));
    let tried = seeded(seed).run(&prop::collection::vec(step(), 1..120), |steps| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut trial = Trial::new().await;
            for step in steps {
                trial.take(step).await;
            }
        });
        Ok(())
    });
    if let Err(error) = tried {
        panic!("SWIT_SEED={seed} repeats this: {error}");
    }
}
