//! The roles of the binary `faulty`, which it reads from its environment:
//!
//! | variable | what it says |
//! |---|---|
//! | `FAULTY_ROLE` | `produce`, `handle`, `bury` (writes dead letters down), `transact` (see [`crate::transact`]), or `once`, `relay`, `commit` (see [`crate::once`]) |
//! | `FAULTY_URL` | the broker |
//! | `FAULTY_LEDGER` | the file to write to |
//! | `FAULTY_CONDUCTS` | produce: what the handler is to do, in turn, as JSON |
//! | `FAULTY_COUNT`, `FAULTY_FIRST` | produce, commit: how many messages, from which number on |
//! | `FAULTY_PAUSE_MS` | produce, commit: between two messages |
//! | `FAULTY_FILLER` | produce: bytes to fill a message with |
//! | `FAULTY_DELIVERY_LIMIT` | handle: the delivery limit of its queue |
//! | `FAULTY_CONFIGURATION` | configuration, as the text of a `swit.toml`; no file and no `SWIT_…` variable is read |

use std::{
    env,
    fmt::Debug,
    str::FromStr,
    sync::Arc,
    time::{Duration, Instant},
};

use swit::{
    App, DecodeError, Headers, Json, Metadata, Publish, PublishError, Publisher, State, subscriber,
    transport::Transport,
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::ledger::{DeadLetter, Ledger};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    once,
    work::{Conduct, Done, Work, id},
};

/// How long a producer tries to publish a message whose outcome is unknown.
const TRYING: Duration = Duration::from_mins(2);
/// Messages that a producer has on their way at once.
const TOGETHER: usize = 64;

/// Plays the role that the environment names.
///
/// # Errors
/// The service did not start, or did not end well.
pub async fn play() -> swit::Result<()> {
    swit::telemetry::init();
    match variable::<String>("FAULTY_ROLE").as_str() {
        "produce" => produce().await,
        "handle" => App::only::<(handle,)>().run_as("handle").await,
        "bury" => App::only::<(bury,)>().run_as("bury").await,
        "once" => once::handlers().await,
        "relay" => once::relay().await,
        "commit" => once::commit().await,
        "transact" => crate::transact::play().await,
        role => panic!("there is no role `{role}`"),
    }
}

pub(crate) trait RunAs {
    async fn run_as(self, role: &str) -> swit::Result<()>;
    fn at_the_broker(self) -> Self;
}

impl RunAs for App {
    async fn run_as(self, _role: &str) -> swit::Result<()> {
        self.at_the_broker().provide(Ledger::open(variable::<String>("FAULTY_LEDGER"))).run().await
    }

    fn at_the_broker(self) -> Self {
        let address = Address::parse(&variable::<String>("FAULTY_URL"), false).expect("an address");
        let mut options = RabbitMqOptions::new(address);
        options.heartbeat = Duration::from_secs(variable_or("FAULTY_HEARTBEAT", 2));
        options.confirm_timeout = Duration::from_secs(variable_or("FAULTY_CONFIRM_TIMEOUT", 5));
        options.connect_timeout = Duration::from_secs(variable_or("FAULTY_CONNECT_TIMEOUT", 30));
        options.delivery_limit = variable_or("FAULTY_DELIVERY_LIMIT", 32);
        let transport: Arc<dyn Transport> = Arc::new(RabbitMqTransport::new("default", options));
        let text: String = env::var("FAULTY_CONFIGURATION").unwrap_or_default();
        self.service("faults", "1").transport(transport).config_text("the test", &text)
    }
}

/// Does its work, or whatever the message asks for.
#[subscriber(topic = "fault.work", retries = 3, backoff = fixed("100ms"), concurrency = 8, prefetch = 64)]
async fn handle(work: Work, meta: Metadata, ledger: State<Ledger>) -> Result<Publish<Done>, std::io::Error> {
    match work.conduct {
        Conduct::Succeed => {}
        Conduct::SucceedAfter(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
        Conduct::Fail => return Err(std::io::Error::other("it never works")),
        Conduct::Panic => panic!("a panic with text"),
        Conduct::PanicWithValue => std::panic::panic_any(7),
        Conduct::Abort => std::process::abort(),
        Conduct::Cross => return Err(std::io::Error::other("there are no rows here")),
    }
    ledger.effect(&meta.id.to_string());
    Ok(Publish(Done { number: work.number }))
}

/// Writes dead letters down.
#[subscriber(queue = "faults.handle.dlq", retries = 0, dead_letter = false, concurrency = 4)]
#[expect(clippy::unused_async, reason = "a handler is async whether or not it waits")]
async fn bury(body: Result<Json<Work>, DecodeError>, meta: Metadata, headers: Headers, ledger: State<Ledger>) {
    let text = |name: &str| headers.get(name).map_or_else(String::new, ToString::to_string);
    let broker = text("x-first-death-reason");
    let letter = DeadLetter {
        reason: if text("x-dead-letter-reason").is_empty() { broker } else { text("x-dead-letter-reason") },
        attempts: text("x-dead-letter-attempts").parse().unwrap_or_default(),
        source: text("x-dead-letter-queue"),
        whole: body.is_ok_and(|Json(work)| id(work.number) == meta.id.to_string()),
    };
    ledger.dead(&meta.id.to_string(), &letter);
}

async fn produce() -> swit::Result<()> {
    let running = App::only::<()>().at_the_broker().start().await?;
    let publisher = running.publisher()?;
    let ledger = Arc::new(Ledger::open(variable::<String>("FAULTY_LEDGER")));
    let conducts: Vec<Conduct> =
        serde_json::from_str(&variable::<String>("FAULTY_CONDUCTS")).expect("a list of conducts");
    let (first, count) = (variable_or("FAULTY_FIRST", 0), variable::<u64>("FAULTY_COUNT"));
    let pause = Duration::from_millis(variable_or("FAULTY_PAUSE_MS", 0));
    let filler = "x".repeat(variable_or("FAULTY_FILLER", 100));
    let mut sending = tokio::task::JoinSet::new();
    let mut terminated = signal(SignalKind::terminate()).expect("signals can be listened to");
    for number in first..first + count {
        let turn = usize::try_from(number).expect("it fits") % conducts.len();
        let work = Work { number, conduct: conducts[turn], filler: filler.clone() };
        while sending.len() >= TOGETHER {
            sending.join_next().await;
        }
        ledger.attempted(&id(number));
        sending.spawn(publish(publisher.clone(), ledger.clone(), work));
        // Asked to end, it publishes nothing more, and ends when the outcome of all that it published is known.
        tokio::select! {
            biased;
            _ = terminated.recv() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    while sending.join_next().await.is_some() {}
    running.shutdown().await
}

/// Publishes until the outcome is known: an outcome that is unknown is tried again under the same id.
async fn publish(publisher: Publisher, ledger: Arc<Ledger>, work: Work) {
    let (name, began) = (id(work.number), Instant::now());
    let message_id = swit::MessageId::parse(&name).expect("a short id");
    while began.elapsed() < TRYING {
        match publisher.publish_with(&work).id(message_id.clone()).send().await {
            Ok(_) => return ledger.confirmed(&name),
            Err(PublishError::Unrouted { .. }) => return ledger.returned(&name),
            Err(error) => {
                tracing::warn!(%error, id = name, "tried again under the same id");
                ledger.unknown(&name);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

pub(crate) fn variable<T: FromStr<Err: Debug>>(name: &str) -> T {
    env::var(name).unwrap_or_else(|_| panic!("{name} is missing")).parse().expect(name)
}

pub(crate) fn variable_or<T: FromStr<Err: Debug>>(name: &str, default: T) -> T {
    env::var(name).map_or(default, |text| text.parse().expect(name))
}
