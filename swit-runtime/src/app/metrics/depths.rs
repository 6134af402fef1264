//! How much lies in queues, for the metrics page.
//!
//! Queues of this process are looked at for each page. A broker is asked by a task of this module, one for each broker so that
//! none waits for another, and only when a page is wanted: at most every five seconds, for at most two, never twice at a
//! time. What it did not say by then, or what is older than that, is on no page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{app::dynamic::Row, text::Text, transport::Transport, walled::walled};

/// How old what a broker said may be.
const FRESH: Duration = Duration::from_secs(5);
/// How long a broker has to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// What a page waits beyond that, for the task to hand it over.
const MARGIN: Duration = Duration::from_millis(200);

/// Messages that lie ready, by transport and queue. What could not be asked is not there.
pub(super) type Seen = BTreeMap<(Text, Text), u64>;

type Queues = BTreeSet<(Text, Text)>;

/// Asks how much lies in queues.
pub(super) struct Depths {
    here: Vec<Arc<dyn Transport>>,
    asking: Vec<Arc<Asking>>,
    tasks: Mutex<JoinSet<()>>,
    stopped: AtomicBool,
}

/// Where pages and the task that asks brokers meet.
struct Asking {
    wanted: Mutex<Queues>,
    bell: Notify,
    seen: watch::Sender<(Option<Instant>, Arc<Seen>)>,
}

impl Depths {
    pub(super) fn start(transports: &[Arc<dyn Transport>]) -> Self {
        let (here, brokers): (Vec<_>, Vec<_>) =
            transports.iter().cloned().partition(|transport| !transport.capabilities().durable);
        let mut tasks = JoinSet::new();
        let asking = brokers.into_iter().map(|broker| {
            let seen = watch::Sender::new((None, Arc::default()));
            let asking = Arc::new(Asking { wanted: Mutex::default(), bell: Notify::new(), seen });
            let asked = asking.clone();
            tasks.spawn(async move { asked.run(broker).await });
            asking
        });
        Self { here, asking: asking.collect(), tasks: Mutex::new(tasks), stopped: AtomicBool::new(false) }
    }

    /// How much lies in the queues of these subscribers, and in their dead-letter queues.
    pub(super) async fn of(&self, rows: &[Row]) -> Seen {
        let mut queues = Queues::new();
        for row in rows {
            let plan = row.view.plan();
            let on = |queue: &Text| (plan.receiver.transport.clone(), queue.clone());
            queues.insert(on(&plan.receiver.queue));
            queues.extend(plan.dead_letter.as_ref().map(on));
        }
        self.of_queues(&queues).await
    }

    async fn of_queues(&self, queues: &Queues) -> Seen {
        let mut seen = Seen::new();
        for transport in &self.here {
            look(&**transport, queues, Instant::now() + PATIENCE, &mut seen).await;
        }
        if self.stopped.load(Ordering::Relaxed) {
            return seen;
        }
        for asking in &self.asking {
            asking.ring(queues);
        }
        let until = Instant::now() + PATIENCE + MARGIN;
        for asking in &self.asking {
            asking.fresh(until, &mut seen).await;
        }
        seen
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Asking {
    /// Has the broker asked, unless what it said last is fresh.
    fn ring(&self, queues: &Queues) {
        if !is_fresh(&self.seen.borrow()) {
            self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone_from(queues);
            self.bell.notify_one();
        }
    }

    /// Adds what the broker says, if it does so in time.
    async fn fresh(&self, until: Instant, all: &mut Seen) {
        let mut seen = self.seen.subscribe();
        let waited = timeout_at(until, seen.wait_for(is_fresh)).await;
        if let Ok(Ok(said)) = waited {
            all.extend(said.1.iter().map(|(queue, ready)| (queue.clone(), *ready)));
        }
    }

    async fn run(&self, broker: Arc<dyn Transport>) {
        loop {
            self.bell.notified().await;
            // Somebody may have rung while it was asking.
            if is_fresh(&self.seen.borrow()) {
                continue;
            }
            let queues = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut seen = Seen::new();
            // Whoever asks must be there tomorrow, whatever a transport does.
            walled(|| Box::pin(look(&*broker, &queues, Instant::now() + PATIENCE, &mut seen))).await;
            self.seen.send_replace((Some(Instant::now()), Arc::new(seen)));
        }
    }
}

fn is_fresh((at, _): &(Option<Instant>, Arc<Seen>)) -> bool {
    at.is_some_and(|at| at.elapsed() < FRESH)
}

/// Asks a transport about its queues.
async fn look(transport: &dyn Transport, queues: &Queues, until: Instant, seen: &mut Seen) {
    let names: Vec<Text> =
        queues.iter().filter(|(on, _)| *on == transport.name()).map(|(_, queue)| queue.clone()).collect();
    if names.is_empty() {
        return;
    }
    let Ok(ready) = timeout_at(until, transport.ready(&names)).await else { return };
    let name = Text::from(transport.name());
    let known = names.into_iter().zip(ready);
    seen.extend(known.filter_map(|(queue, ready)| Some(((name.clone(), queue), ready?))));
}

impl fmt::Debug for Depths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depths").field("here", &self.here.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::{
        error::TransportError,
        transport::{BoxFuture, Capabilities, Publish, Queue, SubscribeOptions, Subscription},
        transports::memory::{MemoryOptions, MemoryTransport},
    };

    /// A broker that says how much lies in its queues, or nothing at all.
    #[derive(Debug)]
    struct Far {
        inner: MemoryTransport,
        says: Option<u64>,
        asked: AtomicU64,
    }

    impl Far {
        fn new(name: &'static str, says: Option<u64>) -> Arc<Self> {
            let inner = MemoryTransport::new(name, MemoryOptions::default());
            Arc::new(Self { inner, says, asked: AtomicU64::new(0) })
        }
    }

    impl Transport for Far {
        fn name(&self) -> &str {
            self.inner.name()
        }

        fn system(&self) -> &'static str {
            "far"
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities { durable: true, ..self.inner.capabilities() }
        }

        fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
            self.inner.connect()
        }

        fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
            self.inner.declare(queues)
        }

        fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
            self.inner.subscribe(options)
        }

        fn publisher(&self) -> Arc<dyn Publish> {
            self.inner.publisher()
        }

        fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                match self.says {
                    Some(many) => vec![Some(many); queues.len()],
                    None => std::future::pending().await,
                }
            })
        }

        fn close(&self) -> BoxFuture<'_, ()> {
            self.inner.close()
        }
    }

    fn queue(on: &'static str, name: &'static str) -> (Text, Text) {
        (Text::from_static(on), Text::from_static(name))
    }

    #[tokio::test(start_paused = true)]
    async fn a_broker_that_says_nothing_hides_no_other_and_is_not_asked_by_each_page() {
        let (mute, well) = (Far::new("mute", None), Far::new("well", Some(7)));
        let transports: [Arc<dyn Transport>; 2] = [mute.clone(), well.clone()];
        let depths = Depths::start(&transports);
        let queues = Queues::from([queue("mute", "a"), queue("well", "b"), queue("well", "c")]);
        let began = Instant::now();
        let seen = depths.of_queues(&queues).await;
        assert_eq!(seen, Seen::from([(queue("well", "b"), 7), (queue("well", "c"), 7)]));
        assert!(began.elapsed() <= PATIENCE + MARGIN, "{:?}", began.elapsed());
        for _ in 0..50 {
            assert_eq!(depths.of_queues(&queues).await.len(), 2);
        }
        let asked = [&mute, &well].map(|far| far.asked.load(Ordering::Relaxed));
        assert_eq!(asked, [1, 1]);
        // After the end nobody is waited for.
        depths.stop();
        tokio::time::advance(FRESH).await;
        let began = Instant::now();
        assert_eq!((depths.of_queues(&queues).await, began.elapsed()), (Seen::new(), Duration::ZERO));
    }
}
