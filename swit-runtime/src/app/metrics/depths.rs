//! How much lies in queues, for the metrics page.
//!
//! Queues of this process are looked at for each page. A broker is asked by a task of this module, and only when a page is
//! wanted: at most every five seconds, for at most two, never twice at a time. What it did not say by then, or what is
//! older than that, is on no page.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use crate::{app::dynamic::Row, text::Text, transport::Transport};

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
    asking: Option<Arc<Asking>>,
    task: Mutex<JoinSet<()>>,
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
        let mut task = JoinSet::new();
        let asking = (!brokers.is_empty()).then(|| {
            let seen = watch::Sender::new((None, Arc::default()));
            let asking = Arc::new(Asking { wanted: Mutex::default(), bell: Notify::new(), seen });
            let asked = asking.clone();
            task.spawn(async move { asked.run(brokers).await });
            asking
        });
        Self { here, asking, task: Mutex::new(task) }
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
        let mut seen = match &self.asking {
            Some(asking) => asking.fresh(&queues).await,
            None => Seen::new(),
        };
        look(&self.here, &queues, Instant::now() + PATIENCE, &mut seen).await;
        seen
    }

    pub(super) fn stop(&self) {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

impl Asking {
    async fn fresh(&self, queues: &Queues) -> Seen {
        let mut seen = self.seen.subscribe();
        let is_fresh = |(at, _): &(Option<Instant>, Arc<Seen>)| at.is_some_and(|at| at.elapsed() < FRESH);
        if !is_fresh(&seen.borrow_and_update()) {
            self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone_from(queues);
            self.bell.notify_one();
            let _ = timeout(PATIENCE + MARGIN, seen.wait_for(is_fresh)).await;
        }
        let now = seen.borrow();
        if is_fresh(&now) { (*now.1).clone() } else { Seen::new() }
    }

    async fn run(&self, brokers: Vec<Arc<dyn Transport>>) {
        loop {
            self.bell.notified().await;
            // Somebody may have rung while it was asking.
            if self.seen.borrow().0.is_some_and(|at| at.elapsed() < FRESH) {
                continue;
            }
            let queues = self.wanted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut seen = Seen::new();
            look(&brokers, &queues, Instant::now() + PATIENCE, &mut seen).await;
            self.seen.send_replace((Some(Instant::now()), Arc::new(seen)));
        }
    }
}

/// Asks these transports about their queues.
async fn look(transports: &[Arc<dyn Transport>], queues: &Queues, until: Instant, seen: &mut Seen) {
    for transport in transports {
        let names: Vec<Text> =
            queues.iter().filter(|(on, _)| *on == transport.name()).map(|(_, queue)| queue.clone()).collect();
        let Ok(ready) = timeout_at(until, transport.ready(&names)).await else { continue };
        let name = Text::from(transport.name());
        let known = names.into_iter().zip(ready);
        seen.extend(known.filter_map(|(queue, ready)| Some(((name.clone(), queue), ready?))));
    }
}

impl fmt::Debug for Depths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Depths").field("here", &self.here.len()).finish_non_exhaustive()
    }
}
