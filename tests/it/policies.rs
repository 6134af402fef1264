//! Whatever the policies, the errors and the crashes: every message ends exactly one way, the one that the policy says; no
//! attempt is made beyond the budget; order holds where it was promised.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};
use swit::{
    App, Backoff, CircuitBreaker, Class, Failure, FailureKind, Handle, Metadata, Outcome, Policies, Running,
    Subscription, subscriber,
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::time::sleep;

use crate::support::{Task, keyed};

const QUEUE: &str = "service.work";
const BURIED: &str = "service.work.dlq";

/// What the handler does at one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Succeed,
    Fail(Option<Class>),
    Panic,
    Hang,
    Discard,
    Bury,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ending {
    Done,
    Dead { reason: &'static str, attempts: u32 },
    Discarded,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    None,
    All,
    ByKey,
}

#[derive(Debug, Clone)]
struct Case {
    retries: Option<u32>,
    backoff: Option<Backoff>,
    /// Failures in a row, reset in milliseconds, probes.
    breaker: Option<(u32, u64, u32)>,
    /// Attempts a second, and at once.
    rate: Option<(u32, u32)>,
    order: Order,
    concurrency: u32,
    /// For each message its key and what happens to it, attempt by attempt; it succeeds after that.
    messages: Vec<(u8, Vec<Step>)>,
    /// When the process dies, after it was started or started again.
    crashes: Vec<Duration>,
}

impl Case {
    /// What the documentation says of a message: the number of its attempts, and its ending.
    fn expected(&self, steps: &[Step]) -> (u32, Ending) {
        for attempt in 1.. {
            let step = steps.get(attempt as usize - 1).copied().unwrap_or(Step::Succeed);
            let dead = |reason| (attempt, Ending::Dead { reason, attempts: attempt });
            let budget = match step {
                Step::Succeed => return (attempt, Ending::Done),
                Step::Discard => return (attempt, Ending::Discarded),
                Step::Bury => return dead("not_wanted"),
                Step::Fail(Some(Class::InvalidInput)) => return dead("invalid_input"),
                Step::Fail(Some(Class::Permanent)) => return dead("permanent"),
                Step::Fail(Some(Class::Transient)) => self.retries.unwrap_or(5),
                Step::Fail(_) | Step::Panic | Step::Hang => self.retries.unwrap_or(3),
            };
            if attempt > budget {
                return dead("max_retries_exceeded");
            }
        }
        unreachable!()
    }

    fn subscription(&self) -> Subscription {
        let mut policies = Policies::new().timeout(Duration::from_secs(5));
        if let Some(retries) = self.retries {
            policies = policies.retries(retries);
        }
        if let Some(backoff) = self.backoff {
            policies = policies.backoff(backoff);
        }
        if let Some((failures, reset, probes)) = self.breaker {
            let breaker = CircuitBreaker::new().failures(failures).reset(Duration::from_millis(reset));
            policies = policies.circuit_breaker(breaker.half_open(probes));
        }
        if let Some((per_second, burst)) = self.rate {
            policies = policies.rate_limit(per_second, burst);
        }
        let subscription = Subscription::new("task.created").name("work").policies(policies);
        match self.order {
            Order::None => subscription.concurrency(self.concurrency),
            Order::All => subscription.ordered(),
            Order::ByKey => subscription.concurrency(self.concurrency).ordered_by_key(),
        }
    }
}

/// What the handler was called for: message and attempt, as they began.
type Calls = Arc<Mutex<Vec<(usize, u32)>>>;

#[subscriber(topic = "of.nobody")]
async fn idle(_nothing: swit::Headers) {}

async fn start(case: &Arc<Case>, transport: &Arc<dyn Transport>, calls: &Calls) -> (Running, Handle) {
    let app = App::only::<(idle,)>().service("service", "1").without_environment().transport(transport.clone());
    let running = app.start().await.unwrap();
    let handle = running.handle();
    let (script, calls) = (case.clone(), calls.clone());
    let handler = move |task: Task, meta: Metadata| {
        let (script, calls) = (script.clone(), calls.clone());
        async move {
            let number: usize = task.text.parse().unwrap();
            calls.lock().unwrap().push((number, meta.attempt));
            sleep(Duration::from_millis(20)).await;
            match script.messages[number].1.get(meta.attempt as usize - 1).copied().unwrap_or(Step::Succeed) {
                Step::Succeed => Outcome::Success,
                Step::Fail(None) => Outcome::fail("no"),
                Step::Fail(Some(class)) => Failure::new(FailureKind::Handler, "no").with_class(class).into(),
                // Quietly: there are many.
                Step::Panic => std::panic::resume_unwind(Box::new("on purpose")),
                Step::Hang => std::future::pending().await,
                Step::Discard => Outcome::discard("not for us"),
                Step::Bury => Outcome::dead_letter("not_wanted"),
            }
        }
    };
    handle.subscribe(case.subscription(), handler).await.unwrap();
    (running, handle)
}

async fn run(case: Case) -> Result<(), TestCaseError> {
    let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new("default", MemoryOptions::default()));
    let (case, calls) = (Arc::new(case), Calls::default());
    let (mut running, _) = start(&case, &transport, &calls).await;
    let publisher = running.publisher().unwrap();
    for (number, (key, _)) in case.messages.iter().enumerate() {
        publisher.publish(&keyed(key.to_string(), number.to_string())).await.unwrap();
    }
    for crash in &case.crashes {
        sleep(*crash).await;
        drop(running);
        // Its tasks are cancelled as the runtime comes to them.
        sleep(Duration::from_millis(1)).await;
        running = start(&case, &transport, &calls).await.0;
    }
    running.wait_quiet().await;

    let calls = calls.lock().unwrap().clone();
    let inspect = running.inspect("default").unwrap();
    prop_assert_eq!(inspect.depth(QUEUE), Some(0));
    let mut dead: BTreeMap<usize, Vec<Ending>> = BTreeMap::new();
    for letter in inspect.browse(BURIED, 1_000) {
        let task: Task = serde_json::from_slice(&letter.payload).unwrap();
        let reason = letter.headers.get_str("x-dead-letter-reason").unwrap();
        let known = ["max_retries_exceeded", "permanent", "invalid_input", "not_wanted"];
        let reason = known.into_iter().find(|known| *known == reason).expect("a known reason");
        let attempts = letter.headers.get("x-dead-letter-attempts").and_then(swit::HeaderValue::as_integer).unwrap();
        let ending = Ending::Dead { reason, attempts: attempts.try_into().unwrap() };
        dead.entry(task.text.parse().unwrap()).or_default().push(ending);
    }
    for (number, (_, steps)) in case.messages.iter().enumerate() {
        let (attempts, ending) = case.expected(steps);
        let own: Vec<u32> = calls.iter().filter(|(of, _)| *of == number).map(|(_, attempt)| *attempt).collect();
        let made: BTreeSet<u32> = own.iter().copied().collect();
        prop_assert_eq!(&made, &(1..=attempts).collect(), "message {} was tried {:?}", number, own);
        if case.crashes.is_empty() {
            prop_assert_eq!(own.len(), attempts as usize, "message {}: {:?}", number, own);
        } else {
            let most = attempts as usize * (1 + case.crashes.len());
            prop_assert!(own.len() <= most, "message {}: {:?}", number, own);
        }
        let letters = dead.remove(&number).unwrap_or_default();
        match ending {
            Ending::Done | Ending::Discarded => prop_assert_eq!(letters, [], "message {}", number),
            ending @ Ending::Dead { .. } if case.crashes.is_empty() => {
                prop_assert_eq!(letters, [ending], "message {}", number);
            }
            // One that died with its process may be told twice, and never otherwise.
            ending @ Ending::Dead { .. } => {
                prop_assert!(!letters.is_empty() && letters.iter().all(|one| *one == ending), "{:?}", letters);
            }
        }
    }
    prop_assert!(dead.is_empty(), "{:?}", dead);
    order_holds(&case, &calls)?;
    running.shutdown().await.unwrap();
    Ok(())
}

/// Of those that were promised an order, none begins before the one in front of it has had its last attempt.
fn order_holds(case: &Case, calls: &[(usize, u32)]) -> Result<(), TestCaseError> {
    let keys: BTreeSet<u8> = case.messages.iter().map(|(key, _)| *key).collect();
    let sequences: Vec<Vec<usize>> = match case.order {
        Order::None => Vec::new(),
        Order::All => vec![calls.iter().map(|(number, _)| *number).collect()],
        Order::ByKey => {
            let of = |key: u8| calls.iter().map(|(number, _)| *number).filter(move |n| case.messages[*n].0 == key);
            keys.iter().map(|key| of(*key).collect()).collect()
        }
    };
    for mut sequence in sequences {
        sequence.dedup();
        prop_assert!(sequence.is_sorted(), "overtaken: {:?}", sequence);
    }
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Fail(None)),
        2 => Just(Step::Fail(Some(Class::Transient))),
        1 => Just(Step::Fail(Some(Class::Throttle))),
        1 => Just(Step::Fail(Some(Class::SystemFailure))),
        1 => Just(Step::Fail(Some(Class::InvalidInput))),
        1 => Just(Step::Fail(Some(Class::Permanent))),
        1 => Just(Step::Panic),
        1 => Just(Step::Hang),
        1 => Just(Step::Discard),
        1 => Just(Step::Bury),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let backoff = prop_oneof![
        Just(Backoff::fixed(Duration::from_millis(50))),
        Just(Backoff::fixed(Duration::from_secs(3))),
        Just(Backoff::linear(Duration::from_millis(400))),
        Just(Backoff::None),
    ];
    let breaker = prop::option::of((1..4_u32, 100..4_000_u64, 1..4_u32));
    let rate = prop::option::of((1..20_u32, 1..4_u32));
    let order = prop_oneof![Just(Order::None), Just(Order::All), Just(Order::ByKey)];
    let message = (0..3_u8, prop::collection::vec(step(), 0..5));
    let crashes = prop::collection::vec((1..8_000_u64).prop_map(Duration::from_millis), 0..3);
    (
        prop::option::of(0..6_u32),
        (prop::option::of(backoff), breaker, rate),
        order,
        1..5_u32,
        prop::collection::vec(message, 1..12),
        crashes,
    )
        .prop_map(|(retries, (backoff, breaker, rate), order, concurrency, messages, crashes)| Case {
            retries,
            backoff,
            breaker,
            rate,
            order,
            concurrency,
            messages,
            crashes,
        })
}

#[test]
fn every_message_ends_one_way_within_its_budget_and_in_its_order() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&case(), |case| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(case))
    });
    if let Err(error) = told {
        panic!("{error}");
    }
}
