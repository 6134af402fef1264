//! Whatever comes of batches and of the items in them: every message ends exactly one way, by what came of its own last
//! attempt, within its budget.

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
    App, Batch, BatchOutcome, Class, Classification, Classify, Failure, FailureKind, HeaderValue, Message, Outcome,
    Running, State, subscriber,
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::time::sleep;

use crate::support::{Task, keyed};

const QUEUE: &str = "service.work";
const BURIED: &str = "service.work.dlq";

/// What comes of one attempt at a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Succeed,
    Fail(Class),
    Discard,
    Bury,
    /// These fail all that are in the same batch.
    Spoil(Class),
    Panic,
    Hang,
}

impl Step {
    fn spoils(self) -> bool {
        matches!(self, Self::Spoil(_) | Self::Panic | Self::Hang)
    }
}

#[derive(Debug, Clone)]
struct Case {
    retries: Option<u32>,
    backoff: &'static str,
    concurrency: u32,
    max: u32,
    within: u64,
    /// What happens to each message, attempt by attempt; it succeeds after that. `None`: it can't be read.
    messages: Vec<Option<Vec<Step>>>,
    crashes: Vec<Duration>,
}

impl Case {
    fn step(&self, number: usize, attempt: u32) -> Step {
        let steps = self.messages[number].as_deref().unwrap_or_default();
        steps.get(attempt as usize - 1).copied().unwrap_or(Step::Succeed)
    }

    /// From this attempt on a message is alone.
    fn alone_from(&self) -> u32 {
        self.retries.unwrap_or(3) + 1
    }

    /// Whether a message may end as a dead letter of this reason after this attempt.
    fn may_die(&self, number: usize, attempt: u32, reason: &str) -> bool {
        let Some(_) = self.messages[number] else { return (attempt, reason) == (1, "invalid_input") };
        let budget = |class| match class {
            Class::Transient => self.retries.unwrap_or(5),
            _ => self.retries.unwrap_or(3),
        };
        match (self.step(number, attempt), reason) {
            (Step::Bury, "not_wanted")
            | (Step::Fail(Class::InvalidInput) | Step::Spoil(Class::InvalidInput), "invalid_input")
            | (Step::Fail(Class::Permanent) | Step::Spoil(Class::Permanent), "permanent") => true,
            (Step::Fail(class) | Step::Spoil(class), "max_retries_exceeded") => attempt > budget(class),
            (Step::Panic | Step::Hang, "max_retries_exceeded") => attempt > self.retries.unwrap_or(3),
            _ => false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("spoiled")]
struct Spoiled(Class);

impl Classify for Spoiled {
    fn classify(&self) -> Classification {
        self.0.into()
    }
}

#[derive(Debug, Default)]
struct Seen {
    /// Messages and attempts, batch by batch.
    batches: Vec<Vec<(usize, u32)>>,
    /// Messages that ended well.
    ended: Vec<usize>,
}

struct Script {
    case: Case,
    seen: Mutex<Seen>,
}

#[subscriber(topic = "task.created", batch(max = 2, within = "1ms"), timeout = "5s")]
async fn work(tasks: Batch<Task>, script: State<Script>) -> Result<BatchOutcome, Spoiled> {
    let members: Vec<(usize, u32)> = tasks.iter().map(|task| (task.text.parse().unwrap(), task.attempt())).collect();
    script.seen.lock().unwrap().batches.push(members.clone());
    sleep(Duration::from_millis(20)).await;
    let steps: Vec<Step> = members.iter().map(|(number, attempt)| script.case.step(*number, *attempt)).collect();
    match steps.iter().find(|step| step.spoils()) {
        Some(Step::Spoil(class)) => return Err(Spoiled(*class)),
        // Quietly: there are many.
        Some(Step::Panic) => std::panic::resume_unwind(Box::new("on purpose")),
        Some(_) => std::future::pending().await,
        None => {}
    }
    let mut outcome = tasks.outcome();
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Fail(class) => {
                outcome.set(index, Failure::new(FailureKind::Handler, "no").with_class(*class).into());
            }
            Step::Bury => {
                outcome.dead_letter(index, "not_wanted");
            }
            Step::Discard => {
                outcome.set(index, Outcome::discard("not for us"));
                script.seen.lock().unwrap().ended.push(members[index].0);
            }
            _ => script.seen.lock().unwrap().ended.push(members[index].0),
        }
    }
    Ok(outcome)
}

async fn start(script: &Arc<Script>, transport: &Arc<dyn Transport>) -> Running {
    let Case { retries, backoff, concurrency, max, within, .. } = &script.case;
    let retries = retries.map_or_else(String::new, |retries| format!("retries = {retries}"));
    let text = format!(
        "[subscriber.work]\nconcurrency = {concurrency}\nbackoff = '{backoff}'\n{retries}\nbatch = {{ max = {max}, within = '{within}ms' }}"
    );
    let app = App::only::<(work,)>().service("service", "1").without_environment().config_text("swit.toml", &text);
    app.transport(transport.clone()).provide_shared(script.clone()).start().await.unwrap()
}

async fn run(case: Case) -> Result<(), TestCaseError> {
    let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new("default", MemoryOptions::default()));
    let script = Arc::new(Script { case, seen: Mutex::default() });
    let case = &script.case;
    let mut running = start(&script, &transport).await;
    let publisher = running.publisher().unwrap();
    for (number, steps) in case.messages.iter().enumerate() {
        match steps {
            Some(_) => publisher.publish(&keyed("k", number.to_string())).await.unwrap(),
            None => publisher.publish_to("task.created", Message::new("", number.to_string())).await.unwrap(),
        };
    }
    for crash in &case.crashes {
        sleep(*crash).await;
        drop(running);
        // Its tasks are cancelled as the runtime comes to them.
        sleep(Duration::from_millis(1)).await;
        running = start(&script, &transport).await;
    }
    running.wait_quiet().await;

    let inspect = running.inspect("default").unwrap();
    prop_assert_eq!(inspect.depth(QUEUE), Some(0));
    let mut dead: BTreeMap<usize, Vec<(u32, String)>> = BTreeMap::new();
    for letter in inspect.browse(BURIED, 1_000) {
        let number = match serde_json::from_slice::<Task>(&letter.payload) {
            Ok(task) => task.text.parse().unwrap(),
            Err(_) => serde_json::from_slice(&letter.payload).unwrap(),
        };
        let attempts = letter.headers.get("x-dead-letter-attempts").and_then(HeaderValue::as_integer).unwrap();
        let reason = letter.headers.get_str("x-dead-letter-reason").unwrap().to_owned();
        dead.entry(number).or_default().push((attempts.try_into().unwrap(), reason));
    }
    let seen = std::mem::take(&mut *script.seen.lock().unwrap());
    for batch in &seen.batches {
        prop_assert!(!batch.is_empty() && batch.len() <= case.max as usize, "{:?}", batch);
        let is_last = batch.iter().any(|(_, attempt)| *attempt >= case.alone_from());
        prop_assert!(batch.len() == 1 || !is_last, "a last attempt among others: {:?}", batch);
    }
    for number in 0..case.messages.len() {
        let of = |(other, attempt): &(usize, u32)| (*other == number).then_some(*attempt);
        let attempts: Vec<u32> = seen.batches.iter().flatten().filter_map(of).collect();
        let made: BTreeSet<u32> = attempts.iter().copied().collect();
        let last = made.last().copied().unwrap_or(1);
        let letters = dead.remove(&number).unwrap_or_default();
        let well = seen.ended.iter().filter(|ended| **ended == number).count();
        for (attempt, reason) in &letters {
            prop_assert!(case.may_die(number, *attempt, reason), "{}: {:?} after {:?}", number, letters, attempts);
        }
        if case.messages[number].is_none() {
            prop_assert!(attempts.is_empty() && !letters.is_empty(), "{}: {:?}", number, letters);
        } else {
            prop_assert_eq!(&made, &(1..=last).collect(), "message {} was tried {:?}", number, attempts);
        }
        if case.crashes.is_empty() {
            prop_assert_eq!(letters.len() + well, 1, "message {} ends {:?} and {} times well", number, letters, well);
            prop_assert_eq!(attempts.len(), made.len(), "message {} was tried {:?}", number, attempts);
        } else {
            prop_assert!(letters.len() + well >= 1, "message {} is lost after {:?}", number, attempts);
        }
    }
    prop_assert!(dead.is_empty(), "{:?}", dead);
    running.shutdown().await.unwrap();
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    let class = prop_oneof![
        3 => Just(Class::Transient),
        1 => Just(Class::Throttle),
        1 => Just(Class::SystemFailure),
        1 => Just(Class::InvalidInput),
        1 => Just(Class::Permanent),
    ];
    prop_oneof![
        3 => Just(Step::Succeed),
        4 => class.clone().prop_map(Step::Fail),
        3 => class.prop_map(Step::Spoil),
        1 => Just(Step::Discard),
        1 => Just(Step::Bury),
        1 => Just(Step::Panic),
        1 => Just(Step::Hang),
    ]
}

fn case() -> impl Strategy<Value = Case> {
    let backoff = prop_oneof![Just("fixed(50ms)"), Just("fixed(3s)"), Just("linear(400ms)"), Just("none")];
    // Most are innocent: what becomes of them is the point.
    let message = prop_oneof![
        6 => Just(Some(Vec::new())),
        5 => prop::collection::vec(step(), 1..7).prop_map(Some),
        1 => Just(None),
    ];
    let crashes = prop_oneof![
        2 => Just(Vec::new()),
        1 => prop::collection::vec((1..8_000_u64).prop_map(Duration::from_millis), 1..3),
    ];
    (
        prop::option::of(1..6_u32),
        backoff,
        1..4_u32,
        2..8_u32,
        prop_oneof![Just(1_u64), Just(30), Just(500)],
        prop::collection::vec(message, 1..25),
        crashes,
    )
        .prop_map(|(retries, backoff, concurrency, max, within, messages, crashes)| Case {
            retries,
            backoff,
            concurrency,
            max,
            within,
            messages,
            crashes,
        })
}

#[test]
fn every_message_ends_one_way_by_its_own_last_attempt() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let told = TestRunner::new(config).run(&case(), |case| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(run(case))
    });
    if let Err(error) = told {
        panic!("{error}");
    }
}
