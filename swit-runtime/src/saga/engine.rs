//! Who runs the sagas of one process: takes what is due, runs what is started, goes on with what others left.
//!
//! Guarantees:
//! - an instance is run by one member at a time; what a dead one ran is free after a lease (`members`);
//! - what is not finished and not parked is always due at some moment, waits for an event, or is somebody's: nothing is forgotten;
//! - of a saga, no more instances run at once than it says.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;

use super::{
    definition::Definition,
    drive::{Came, Left, drive},
    members::{Members, beat},
    pulse::Pulse,
    table::{Ear, Table},
};
use crate::{
    classify::{Backoff, Jitter},
    id::chance,
    outcome::one_line,
    publisher::Tasks,
    scope::Scope,
    store::{Instance, Store},
    text::Text,
    walled::walled,
};

/// So many that were started here wait in this process for a seat; what is more waits in the store.
pub(super) const WAITING: usize = 10_000;

/// How often it is looked whether what runs has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Between looks at a database that does not answer.
const HOPE: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(5),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// Runs the sagas of one process.
pub(crate) struct Engine {
    pub(super) store: Arc<dyn Store>,
    /// Which no other member has, in any process.
    pub(super) member: Text,
    pub(super) definitions: Vec<Arc<Definition>>,
    /// Those that it runs.
    pub(super) names: Vec<Text>,
    /// How often it looks where nobody told it of anything.
    pub(super) poll: Duration,
    /// How long it may be silent before others go on with what it runs.
    lease: Duration,
    open: OnceLock<Open>,
    table: Mutex<Table>,
    /// There is something to look for, or what is due next has changed.
    pub(super) stirred: Notify,
    /// There is something to look for.
    pub(super) wanted: AtomicBool,
    /// Some saga has no seat for what may be due.
    pub(super) crowded: AtomicBool,
    /// Some that are this member's are not in the table: there were too many.
    pub(super) overflowed: AtomicBool,
    /// Some may be this member's without its knowledge: an answer of the database was lost. So many beats long it looks.
    pub(super) doubts: AtomicU32,
    ending: CancellationToken,
    pub(super) pulse: Pulse,
}

/// What it has once the service runs.
struct Open {
    scope: Arc<Scope>,
    tasks: Arc<dyn Tasks>,
}

impl Engine {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        member: Text,
        definitions: Vec<Definition>,
        poll: Duration,
        lease: Duration,
    ) -> Self {
        let run = definitions.iter().filter(|definition| definition.enabled);
        let names = run.map(|definition| Text::from_static(definition.registration.name)).collect();
        let table = Table::of(definitions.len());
        Self {
            store,
            member,
            definitions: definitions.into_iter().map(Arc::new).collect(),
            names,
            poll,
            lease,
            open: OnceLock::new(),
            table: Mutex::new(table),
            stirred: Notify::new(),
            wanted: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            doubts: AtomicU32::new(0),
            ending: CancellationToken::new(),
            pulse: Pulse::new(lease),
        }
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    pub(crate) fn member(&self) -> &Text {
        &self.member
    }

    /// The sagas that it knows.
    #[cfg(feature = "prometheus")]
    pub(crate) fn definitions(&self) -> &[Arc<Definition>] {
        &self.definitions
    }

    pub(super) fn definition(&self, saga: &str) -> Option<(usize, &Arc<Definition>)> {
        self.definitions.iter().enumerate().find(|(_, definition)| definition.registration.name == saga)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.is_cancelled()
    }

    /// Waits for an instance to be over or parked in this process.
    pub(super) fn listen(self: &Arc<Self>, saga: &'static str, key: &str) -> Ear {
        Ear::new(self.clone(), (Text::from_static(saga), Text::from(key)))
    }

    /// Whether what is started now has to wait in the store.
    pub(super) fn is_full(&self, definition: &Definition) -> bool {
        self.definition(definition.registration.name)
            .is_some_and(|(place, _)| self.lock().waiting[place].len() >= WAITING)
    }

    /// There may be something due.
    pub(super) fn stir(&self) {
        self.wanted.store(true, Ordering::Release);
        self.stirred.notify_one();
    }

    /// The database may have given it something without its having been told.
    pub(super) fn doubt(&self) {
        // A commit may still be under way when the connection is lost: one look might come too early.
        self.doubts.store(2, Ordering::Relaxed);
    }

    /// Whether something of this process runs, or waits to.
    pub(crate) fn is_busy(&self) -> bool {
        !self.lock().here.is_empty() || self.overflowed.load(Ordering::Relaxed)
    }

    /// Whether something of this process runs.
    fn is_running(&self) -> bool {
        let table = self.lock();
        table.many() > table.many_waiting()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one that was started here, and that is this member's, as soon as there is a seat.
    pub(super) fn begin(self: &Arc<Self>, instance: Instance) {
        let Some((place, definition)) = self.definition(&instance.saga) else { return };
        definition.counted.start();
        if !definition.enabled {
            return;
        }
        if instance.owner.is_empty() {
            // It rests first.
            self.rests(instance.due);
            return;
        }
        let seat = if self.open.get().is_some() { definition.seats.clone().try_acquire_owned().ok() } else { None };
        let mut table = self.lock();
        let has_room = seat.is_some() || table.waiting[place].len() < WAITING;
        if has_room && table.has(&instance) {
            // It was found before its starter said so.
            drop((table, seat));
            return self.seat_waiting(place);
        }
        if has_room {
            table.arrive(&instance);
        }
        if let Some(seat) = seat {
            drop(table);
            self.seat(definition.clone(), place, (instance, Came::Started(self.pulse.epoch())), seat);
        } else if has_room {
            table.waiting[place].push_back((instance, Came::Started(self.pulse.epoch())));
            drop(table);
            // Its seat may have been vacated meanwhile.
            self.seat_waiting(place);
        } else {
            self.overflowed.store(true, Ordering::Relaxed);
        }
    }

    /// One that somebody laid to rest is due then.
    fn rests(&self, due: Option<SystemTime>) {
        let Some(due) = due else { return };
        let mut table = self.lock();
        if table.next.is_none_or(|next| due < next) {
            table.next = Some(due);
            drop(table);
            self.stirred.notify_one();
        }
    }

    /// Runs it in a task of its own, and those that wait after it.
    pub(super) fn seat(
        self: &Arc<Self>,
        definition: Arc<Definition>,
        place: usize,
        first: (Instance, Came),
        seat: OwnedSemaphorePermit,
    ) {
        let Some(open) = self.open.get() else { return };
        let engine = self.clone();
        open.tasks.run(Box::pin(async move {
            let mut next = Some(first);
            while let Some((instance, came)) = next.take() {
                engine.occupy(&definition, instance, came).await;
                if !engine.is_ending() {
                    next = engine.lock().pop(place);
                }
            }
            drop(seat);
            if !engine.is_ending() {
                // One may have come after the look, and before there was a seat for it.
                engine.seat_waiting(place);
            }
            // There is a seat for what is due, or waits in the store.
            engine.vacated();
        }));
    }

    fn vacated(&self) {
        if self.crowded.load(Ordering::Relaxed) || self.overflowed.load(Ordering::Relaxed) {
            self.stir();
        }
    }

    /// Runs it until it is left, whatever the database does in between.
    async fn occupy(&self, definition: &Definition, instance: Instance, came: Came) {
        let Some(open) = self.open.get() else { return };
        let (saga, key) = (instance.saga.clone(), instance.key.clone());
        let name = (saga.clone(), key.clone());
        let _leaves = Leaves { engine: self, definition, name: name.clone() };
        let came = match came {
            // It waited long for its seat, and this member may have been taken for dead meanwhile.
            Came::Started(since) if !self.pulse.is_unbroken(since) => Came::Found,
            came => came,
        };
        definition.counted.enter();
        let mut failures = 0;
        let mut next = Some((instance, came));
        while let Some((instance, came)) = next.take() {
            let run = walled(|| Box::pin(drive(self, &open.scope, definition, instance, came))).await;
            let error = match run {
                Some(Ok(left)) => return self.left(definition, &name, left),
                Some(Err(error)) => one_line(&error),
                None => "it panicked".to_owned(),
            };
            failures += 1;
            let wait = HOPE.jittered(failures, chance());
            tracing::error!(%saga, %key, error, retry_in = ?wait, "a saga can't be gone on with now; nothing of it is lost");
            tokio::time::sleep(wait).await;
            next = self.reload(&saga, &key, &mut failures).await.map(|instance| (instance, Came::Reloaded));
        }
    }

    fn left(&self, definition: &Definition, name: &(Text, Text), left: Left) {
        match left {
            Left::Over(state) => {
                definition.counted.end(state);
                self.lock().tell(name);
            }
            Left::Parked => self.lock().tell(name),
            Left::Rests(due) => self.rests(due),
            // Its own commit may have come to pass after its connection was lost.
            Left::Lost => self.doubt(),
        }
    }

    /// The instance as its row says, if it is this member's still.
    async fn reload(&self, saga: &str, key: &str, failures: &mut u32) -> Option<Instance> {
        loop {
            if let Ok(found) = self.store.sagas().load(saga, key).await {
                return found.filter(|found| found.owner == self.member);
            }
            *failures += 1;
            tokio::time::sleep(HOPE.jittered(*failures, chance())).await;
        }
    }

    /// Runs sagas until it is to end, and until what runs by then has ended the step that it is at.
    pub(crate) async fn run(self: &Arc<Self>, scope: Arc<Scope>, tasks: Arc<dyn Tasks>, ends: &CancellationToken) {
        let _ = self.open.set(Open { scope: scope.clone(), tasks });
        self.seat_all_waiting();
        let beating = beat(self.store.sagas(), &self.member, self.lease, &self.pulse);
        tokio::select! {
            biased;
            () = beating => {}
            () = self.see_to_the_end(&scope, ends) => {}
        }
    }

    /// Looks until it is to end, and waits for what runs by then.
    async fn see_to_the_end(self: &Arc<Self>, scope: &Scope, ends: &CancellationToken) {
        self.keep_looking(scope, ends).await;
        self.ending.cancel();
        while self.is_running() {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn keep_looking(self: &Arc<Self>, scope: &Scope, ends: &CancellationToken) {
        let mut members = Members::new(self.member.clone(), self.lease);
        let mut failures = 0;
        while !ends.is_cancelled() {
            match self.look(&mut members, scope, ends).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    let wait = HOPE.jittered(failures, chance());
                    tracing::error!(error = %one_line(&error), retry_in = ?wait, "sagas can't be looked for; nothing is lost");
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep(wait) => {}
                        () = ends.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Runs those that wait, as far as there are seats.
    pub(super) fn seat_waiting(self: &Arc<Self>, place: usize) {
        if self.open.get().is_none() {
            return;
        }
        let definition = &self.definitions[place];
        // Whoever holds a seat looks again once it has given it back: of a seat and one that waits, one sees the other.
        while !self.lock().waiting[place].is_empty() {
            let Ok(seat) = definition.seats.clone().try_acquire_owned() else { return };
            let next = self.lock().pop(place);
            if let Some(next) = next {
                self.seat(definition.clone(), place, next, seat);
            }
        }
    }

    pub(super) fn seat_all_waiting(self: &Arc<Self>) {
        for place in 0..self.definitions.len() {
            self.seat_waiting(place);
        }
    }

    /// Leaves: what it had is free at once.
    pub(crate) async fn leave(&self, now: SystemTime) {
        let sagas = self.store.sagas();
        let left = async {
            sagas.orphan(&self.member, None, now).await?;
            sagas.leave(&self.member).await
        };
        if let Err(error) = left.await {
            tracing::debug!(error = %one_line(&error), "others go on with the sagas of this process when its lease ends");
        }
    }
}

/// An instance that is in this process as long as this lives.
struct Leaves<'a> {
    engine: &'a Engine,
    definition: &'a Definition,
    name: (Text, Text),
}

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.engine.lock().leave(&self.name);
        self.definition.counted.leave();
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("member", &self.member).field("sagas", &self.names).finish_non_exhaustive()
    }
}
