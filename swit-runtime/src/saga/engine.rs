//! Who runs the sagas of one process: takes what is due, runs what is started, goes on with what others left.
//!
//! Guarantees:
//! - an instance is run by one member at a time; what a dead one ran is free after a lease (`members`);
//! - what is not finished and not parked is always due at some moment, waits for an event, or is somebody's: nothing is forgotten;
//! - of a saga, no more instances run at once than it says.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    definition::Definition,
    drive::{Came, Left, drive},
    members::Members,
};
use crate::{
    classify::{Backoff, Jitter},
    id::chance,
    outcome::one_line,
    publisher::Tasks,
    scope::Scope,
    store::{Instance, Store, StoreError},
    text::Text,
    walled::walled,
};

/// So many that were started here wait in this process for a seat; what is more waits in the store.
const WAITING: usize = 10_000;

/// Until it is looked again for what is due, and somebody else has locked.
const PASSED_BY: Duration = Duration::from_millis(100);
/// Due before anything else, whatever the clock of whoever looks says.
const AT_ONCE: SystemTime = SystemTime::UNIX_EPOCH;

/// Between looks at a database that does not answer.
const HOPE: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(5),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// Runs the sagas of one process.
pub(crate) struct Engine {
    store: Arc<dyn Store>,
    /// Which no other member has, in any process.
    member: Text,
    definitions: Vec<Arc<Definition>>,
    /// Those that it runs.
    names: Vec<Text>,
    /// How often it looks where nobody told it of anything.
    poll: Duration,
    /// How long it may be silent before others go on with what it runs.
    lease: Duration,
    open: OnceLock<Open>,
    table: Mutex<Table>,
    /// There is something to look for, or what is due next has changed.
    stirred: Notify,
    /// There is something to look for.
    wanted: AtomicBool,
    /// Some saga has no seat for what may be due.
    crowded: AtomicBool,
    /// Some that are this member's are not in the table: there were too many.
    overflowed: AtomicBool,
    /// Some may be this member's without its knowledge: an answer of the database was lost. So many beats long it looks.
    doubts: AtomicU32,
    ending: CancellationToken,
    /// When it showed last that it lives, and how often it was silent for long.
    pulse: Mutex<(Instant, Epoch)>,
}

/// How often a member was silent for so long that others may have taken it for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

/// What it has once the service runs.
struct Open {
    scope: Arc<Scope>,
    tasks: Arc<dyn Tasks>,
}

/// What is in this process.
#[derive(Default)]
struct Table {
    /// Run, or waiting for a seat.
    here: HashMap<(Text, Text), u32>,
    /// Waiting for a seat; by definition.
    waiting: Vec<VecDeque<(Instance, Came)>>,
    /// How many of those were claimed; by definition.
    claimed: Vec<usize>,
    /// Whoever waits for one to be over.
    ears: HashMap<(Text, Text), Arc<Notify>>,
    /// When the next one that was laid to rest here is due, by the wall clock.
    next: Option<SystemTime>,
}

impl Table {
    fn has(&self, instance: &Instance) -> bool {
        self.here.contains_key(&(instance.saga.clone(), instance.key.clone()))
    }

    /// One that was laid to rest may come again before whoever had it has left it.
    fn arrive(&mut self, instance: &Instance) {
        *self.here.entry((instance.saga.clone(), instance.key.clone())).or_default() += 1;
    }

    /// The next one that waits for a seat.
    fn pop(&mut self, place: usize) -> Option<(Instance, Came)> {
        let next = self.waiting[place].pop_front()?;
        if next.1 == Came::Claimed {
            self.claimed[place] -= 1;
        }
        Some(next)
    }

    /// What was begun goes before what was not.
    fn push_claimed(&mut self, place: usize, instance: Instance) {
        self.waiting[place].insert(self.claimed[place], (instance, Came::Claimed));
        self.claimed[place] += 1;
    }

    fn leave(&mut self, name: &(Text, Text)) {
        if let Some(times) = self.here.get_mut(name) {
            *times -= 1;
            if *times == 0 {
                self.here.remove(name);
            }
        }
    }
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
        let waiting = definitions.iter().map(|_| VecDeque::new()).collect();
        let claimed = vec![0; definitions.len()];
        Self {
            store,
            member,
            definitions: definitions.into_iter().map(Arc::new).collect(),
            names,
            poll,
            lease,
            open: OnceLock::new(),
            table: Mutex::new(Table { waiting, claimed, ..Table::default() }),
            stirred: Notify::new(),
            wanted: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            overflowed: AtomicBool::new(false),
            doubts: AtomicU32::new(0),
            ending: CancellationToken::new(),
            pulse: Mutex::new((Instant::now(), Epoch(0))),
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
        let name = (Text::from_static(saga), Text::from(key));
        let ended = self.lock().ears.entry(name.clone()).or_default().clone();
        Ear { engine: self.clone(), name, ended }
    }

    /// Whoever waits for it looks.
    fn tell(&self, name: &(Text, Text)) {
        if let Some(ended) = self.lock().ears.get(name) {
            ended.notify_waiters();
        }
    }

    fn pulse(&self) -> MutexGuard<'_, (Instant, Epoch)> {
        self.pulse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It showed that it lives.
    fn showed(&self, at: Instant) {
        let mut pulse = self.pulse();
        if at.duration_since(pulse.0) > self.lease / 2 {
            pulse.1 = Epoch(pulse.1.0 + 1);
        }
        pulse.0 = at;
    }

    fn epoch(&self) -> Epoch {
        self.pulse().1
    }

    /// What was this member's then is still: nobody may have taken it over.
    fn is_unbroken(&self, since: Epoch) -> bool {
        let (shown, epoch) = *self.pulse();
        since == epoch && shown.elapsed() <= self.lease / 2
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
    pub(crate) fn is_running(&self) -> bool {
        let table = self.lock();
        let waiting: usize = table.waiting.iter().map(VecDeque::len).sum();
        table.here.values().map(|times| *times as usize).sum::<usize>() > waiting
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
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
            self.seat(definition.clone(), place, (instance, Came::Started(self.epoch())), seat);
        } else if has_room {
            table.waiting[place].push_back((instance, Came::Started(self.epoch())));
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
    fn seat(
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
            Came::Started(since) if !self.is_unbroken(since) => Came::Found,
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
                self.tell(name);
            }
            Left::Parked => self.tell(name),
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

    /// Runs sagas until it is to end. What runs by then ends the step that it is at.
    pub(crate) async fn run(self: &Arc<Self>, scope: Arc<Scope>, tasks: Arc<dyn Tasks>, ends: &CancellationToken) {
        let _ = self.open.set(Open { scope: scope.clone(), tasks });
        self.seat_all_waiting();
        let mut members = Members::new(self.member.clone(), self.lease);
        let mut failures = 0;
        while !ends.is_cancelled() {
            match self.look(&mut members, &scope, ends).await {
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
        self.ending.cancel();
    }

    /// Runs those that wait, as far as there are seats.
    fn seat_waiting(self: &Arc<Self>, place: usize) {
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

    fn seat_all_waiting(self: &Arc<Self>) {
        for place in 0..self.definitions.len() {
            self.seat_waiting(place);
        }
    }

    /// One look at the store, and what follows from it.
    async fn look(
        self: &Arc<Self>,
        members: &mut Members,
        scope: &Scope,
        ends: &CancellationToken,
    ) -> Result<(), StoreError> {
        let sagas = self.store.sagas();
        let beats = members.due() <= Instant::now();
        members.keep(sagas, AT_ONCE).await?;
        self.showed(members.shown());
        let doubts = self.doubts.load(Ordering::Relaxed);
        if beats && doubts > 0 {
            self.sweep().await?;
            // Unless there is something new.
            let _ = self.doubts.compare_exchange(doubts, doubts - 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        self.wanted.store(false, Ordering::Release);
        self.lock().next = None;
        let more = self.claim(scope.clock().now()).await?;
        if self.overflowed.load(Ordering::Relaxed) && self.has_room() {
            self.overflowed.store(false, Ordering::Relaxed);
            if let Err(error) = self.sweep().await {
                self.overflowed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        if more {
            return Ok(());
        }
        let next = sagas.next_due(&self.free()).await?;
        // What is due and was not to be had is somebody else's for now, who has its row locked.
        let now = scope.clock().now();
        let next = next.map(|due| if due <= now { now + PASSED_BY } else { due });
        let mut until = Instant::now() + self.poll;
        until = until.min(members.due());
        loop {
            let known = self.lock().next;
            let wall = scope.clock().now();
            let first = [next, known].into_iter().flatten().min();
            let wake = first.map(|due| Instant::now() + due.duration_since(wall).unwrap_or_default());
            let wake = wake.map_or(until, |wake| wake.min(until));
            tokio::select! {
                biased;
                () = sleep_until(wake) => return Ok(()),
                () = self.stirred.notified() => {
                    if self.wanted.load(Ordering::Acquire) {
                        return Ok(());
                    }
                }
                () = ends.cancelled() => return Ok(()),
            }
        }
    }

    /// Whether what waits in the store has room to wait here.
    fn has_room(&self) -> bool {
        self.lock().waiting.iter().all(|waiting| waiting.len() < WAITING / 2)
    }

    /// How many more of a saga may be claimed: what was begun waits for a seat before what was not, so that there may be some
    /// where there is no seat.
    fn room(&self, place: usize) -> usize {
        let definition = &self.definitions[place];
        let most = usize::try_from(definition.registration.concurrency).unwrap_or(1).max(1);
        let claimed = self.lock().claimed[place];
        if definition.enabled { most.saturating_sub(claimed) } else { 0 }
    }

    /// The sagas that more may be claimed of.
    fn free(&self) -> Vec<Text> {
        let places = 0..self.definitions.len();
        let named = places.filter(|place| self.room(*place) > 0);
        named.map(|place| Text::from_static(self.definitions[place].registration.name)).collect()
    }

    /// Takes what is due, as far as there is room. Says whether there may be more.
    async fn claim(self: &Arc<Self>, now: SystemTime) -> Result<bool, StoreError> {
        // Before it is looked: a seat that is vacated after it is not missed.
        self.crowded.store(true, Ordering::Relaxed);
        let free = self.free();
        if free.is_empty() {
            return Ok(false);
        }
        if free.len() == self.names.len() {
            self.crowded.store(false, Ordering::Relaxed);
        }
        let rooms = free.iter().filter_map(|name| self.definition(name)).map(|(place, _)| self.room(place));
        let limit = u32::try_from(rooms.min().unwrap_or_default().max(1)).unwrap_or(u32::MAX);
        let claimed = self.store.sagas().claim(&self.member, &free, now, limit).await;
        let claimed = claimed.inspect_err(|_| self.doubt())?;
        let more = claimed.len() >= limit as usize;
        for instance in claimed {
            self.admit(instance);
        }
        Ok(more)
    }

    /// Runs one that was claimed. Its seat may have been taken by one that was started meanwhile: then it waits for one, and
    /// whoever looks does not.
    fn admit(self: &Arc<Self>, instance: Instance) {
        let Some((place, definition)) = self.definition(&instance.saga) else { return };
        let seat = definition.seats.clone().try_acquire_owned().ok();
        let mut table = self.lock();
        table.arrive(&instance);
        if let Some(seat) = seat {
            drop(table);
            self.seat(definition.clone(), place, (instance, Came::Claimed), seat);
        } else {
            table.push_claimed(place, instance);
            drop(table);
            self.seat_waiting(place);
        }
    }

    /// Goes on with what is this member's and nowhere in this process.
    async fn sweep(self: &Arc<Self>) -> Result<(), StoreError> {
        let here = self.lock().here.len();
        let limit = u32::try_from(here + WAITING).unwrap_or(u32::MAX);
        let owned = self.store.sagas().owned(&self.member, limit).await?;
        let mut is_whole = owned.len() < limit as usize;
        for instance in owned {
            let Some((place, _)) = self.definition(&instance.saga) else { continue };
            let mut table = self.lock();
            if table.has(&instance) {
                continue;
            }
            if table.waiting[place].len() >= WAITING {
                is_whole = false;
                continue;
            }
            table.arrive(&instance);
            table.waiting[place].push_back((instance, Came::Found));
        }
        if !is_whole {
            self.overflowed.store(true, Ordering::Relaxed);
        }
        self.seat_all_waiting();
        Ok(())
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

/// Waits for an instance to be over, or parked.
pub(super) struct Ear {
    engine: Arc<Engine>,
    name: (Text, Text),
    ended: Arc<Notify>,
}

impl Ear {
    /// Resolves when it is, in this process.
    pub(super) fn ended(&self) -> tokio::sync::futures::Notified<'_> {
        self.ended.notified()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let mut table = self.engine.lock();
        // The table's and this one: nobody else waits for it.
        if Arc::strong_count(&self.ended) == 2 {
            table.ears.remove(&self.name);
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
