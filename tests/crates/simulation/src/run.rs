//! One world, from its beginning until nothing is left to do in it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use swit::{
    App, Event as _, MessageId, Running,
    store::{Instance, SagaFilter, Store as _},
    stores::MemoryStore,
    transport::{Publication, Transport as _},
    transports::memory::{MemoryOptions, MemoryTransport},
};
use swit_runtime::{registry::Saga as _, saga::Sagas};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    breach::Breach,
    broker::WeatheredTransport,
    check::{self, Expected},
    orders::{Created, note, pack, packed_arrives, place, ships},
    process::Process,
    store::WeatheredStore,
    trip::{Ending, Trip},
    world::{World, lock},
};

/// So long things go wrong.
const WEATHER: Duration = Duration::from_mins(3);
/// By then all is done that can be.
const PATIENCE: Duration = Duration::from_hours(2);

/// So long nothing may be left to be done: whoever was suspended goes on meanwhile, and whoever died is found dead.
const SILENCE: Duration = Duration::from_mins(2);

/// What came of a seed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// What is not as it has to be.
    pub wrong: Vec<String>,
    /// All that happened, in its order.
    pub trace: Vec<String>,
    /// How much went wrong.
    pub faults: u64,
    /// How the instances ended.
    pub ended: BTreeMap<&'static str, u32>,
}

/// Lives through the world of a seed.
///
/// # Panics
/// There is no runtime to be had.
#[must_use]
pub fn run(seed: u64) -> Found {
    enter(seed, None)
}

/// Lives through the world of a seed, in which a promise is broken.
///
/// # Panics
/// As [`run`].
#[must_use]
pub fn run_broken(seed: u64, breach: Breach) -> Found {
    enter(seed, Some(breach))
}

fn enter(seed: u64, breach: Option<Breach>) -> Found {
    swit::testing::reseed(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    match runtime {
        Ok(runtime) => runtime.block_on(live(seed, breach)),
        Err(error) => panic!("no runtime: {error}"),
    }
}

/// A process that runs, and its sagas.
type Living = (Arc<Process>, Sagas<Trip>);

/// What outlives every process.
struct Lasting {
    world: Arc<World>,
    store: MemoryStore,
    broker: Arc<MemoryTransport>,
    processes: AtomicU32,
    /// Who runs now, by seat.
    living: Mutex<[Option<Living>; 2]>,
    ends: CancellationToken,
}

async fn live(seed: u64, breach: Option<Breach>) -> Found {
    let world = Arc::new(World::new(seed, breach));
    let lasting = Arc::new(Lasting {
        store: MemoryStore::new(),
        broker: Arc::new(MemoryTransport::new("default", MemoryOptions::default())),
        processes: AtomicU32::new(0),
        living: Mutex::default(),
        ends: CancellationToken::new(),
        world: world.clone(),
    });
    let mut seats = JoinSet::new();
    seats.spawn(seat(lasting.clone(), 0));
    if world.chance.permille(500) {
        seats.spawn(seat(lasting.clone(), 1));
    }
    let mut expected = Expected::default();
    let mut clients = JoinSet::new();
    for number in 0..world.chance.of(1..5) {
        clients.spawn(order(lasting.clone(), number));
    }
    sleep(WEATHER).await;
    world.calm();
    let until = Instant::now() + PATIENCE;
    let (mut wrong, mut quiet_since) = (Vec::new(), Instant::now());
    loop {
        let joined = timeout(Duration::from_secs(1), clients.join_next()).await;
        match joined {
            Ok(Some(Ok(placed))) => expected.add(placed),
            Ok(Some(Err(error))) => wrong.push(format!("a client failed: {error}")),
            Ok(None) => sleep(Duration::from_secs(1)).await,
            Err(_) => {}
        }
        if !clients.is_empty() || !check::is_quiet(&lasting.store, &*lasting.broker).await {
            quiet_since = Instant::now();
        } else if quiet_since.elapsed() >= SILENCE {
            break;
        }
        if world.is_endless() {
            wrong.push("somebody turns in circles".to_owned());
            break;
        }
        if Instant::now() >= until {
            wrong.push("it is never quiet".to_owned());
            break;
        }
        operate(&lasting).await;
    }
    let (more, ended) = check::check(&world, &lasting.store, &*lasting.broker, &expected).await;
    wrong.extend(more);
    lasting.ends.cancel();
    loop {
        match timeout(PATIENCE, seats.join_next()).await {
            Ok(None) => break,
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(error))) => wrong.push(format!("a process failed: {error}")),
            Err(_) => {
                wrong.push("a process that is told to end does not".to_owned());
                break;
            }
        }
    }
    wrong.extend(check::after_the_end(&lasting.store).await);
    Found { wrong, faults: world.faults(), trace: world.trace(), ended }
}

/// An operator has what is parked be tried again.
async fn operate(lasting: &Lasting) {
    let sagas = lasting.store.sagas();
    let filter = SagaFilter { parked: true, ..SagaFilter::default() };
    let Ok(parked) = sagas.list(&filter, None, 100).await else { return };
    for instance in parked {
        lasting.world.note(0, format_args!("resumes {}: {}", instance.key, instance.parked.unwrap_or_default()));
        let now = lasting.world.clock().now();
        let _ = sagas.resume(&instance.saga, &instance.key, now).await;
    }
}

/// A seat for one process at a time: one that dies is followed by another after a while.
async fn seat(lasting: Arc<Lasting>, number: usize) {
    let world = &lasting.world;
    if number > 0 {
        sleep(world.chance.millis(0..60_000)).await;
    }
    while !lasting.ends.is_cancelled() {
        let process = Process::new(world.clone(), lasting.processes.fetch_add(1, Ordering::Relaxed) + 1);
        process.note(format_args!("begins"));
        let served = serve(&lasting, number, &process);
        tokio::select! {
            biased;
            () = process.died() => {}
            () = served => {}
        }
        lock(&lasting.living)[number] = None;
        if !world.is_calm() {
            sleep(world.chance.millis(0..30_000)).await;
        }
    }
}

/// Serves until it is told to end, or for as long as it is to.
async fn serve(lasting: &Lasting, number: usize, process: &Arc<Process>) {
    let world = &lasting.world;
    let running = match start(lasting, process).await {
        Ok(running) => running,
        Err(error) => return process.note(format_args!("does not start: {error}")),
    };
    if let Ok(sagas) = running.sagas::<Trip>() {
        lock(&lasting.living)[number] = Some((process.clone(), sagas));
    }
    let stops = world.chance.permille(300) && !world.is_calm();
    let stops_at = Instant::now() + world.chance.millis(1_000..120_000);
    tokio::select! {
        biased;
        () = lasting.ends.cancelled() => {}
        () = sleep_until(stops_at), if stops => {}
    }
    process.note(format_args!("stops"));
    lock(&lasting.living)[number] = None;
    if let Err(error) = running.shutdown_within(Duration::from_secs(20)).await {
        process.note(format_args!("{error}"));
    }
}

async fn start(lasting: &Lasting, process: &Arc<Process>) -> swit::Result<Running> {
    let store = WeatheredStore { process: process.clone(), inner: lasting.store.clone() };
    let transport = WeatheredTransport { process: process.clone(), inner: lasting.broker.clone() };
    App::only::<(place, note, pack, packed_arrives, ships)>()
        .service("shop", "1")
        .set("service.instance", "one")
        .with_saga::<Trip>()
        .provide(process.clone())
        .clock(lasting.world.clock())
        .store(store)
        .transport(Arc::new(transport))
        .set("database.lease", "20s")
        .set("database.poll", "10s")
        .start()
        .await
}

/// What a client did with an order.
#[derive(Debug, Default)]
pub(crate) struct Ordered {
    pub(crate) order: String,
    /// The ids of its messages.
    pub(crate) messages: Vec<String>,
    /// It was cancelled before it was over, as far as the client was told.
    pub(crate) cancelled: bool,
}

/// One order: placed by one or two events, or by code, and cancelled sometimes.
async fn order(lasting: Arc<Lasting>, number: u64) -> Ordered {
    let world = &lasting.world;
    let order = format!("o{number}");
    let ending = world.chance.pick(&[Ending::Well, Ending::Well, Ending::Shaky, Ending::Ill]);
    let cancels = world.chance.permille(400);
    let cancels_after = world.chance.millis(0..150_000);
    let mut ordered = Ordered { order: order.clone(), ..Ordered::default() };
    sleep(world.chance.millis(0..40_000)).await;
    let by_code = world.chance.permille(300);
    if by_code {
        begin(&lasting, &Trip { order: order.clone(), ending }).await;
    }
    for nth in 0..world.chance.of(u64::from(!by_code)..3) {
        let id = format!("{order}-{nth}");
        publish(&lasting, &id, &Created { order: order.clone(), ending }).await;
        ordered.messages.push(id);
    }
    if cancels {
        sleep(cancels_after).await;
        ordered.cancelled = cancel(&lasting, &order).await;
    }
    ordered
}

/// Some process that runs now.
async fn somebody(lasting: &Lasting) -> Sagas<Trip> {
    loop {
        let living = lock(&lasting.living).clone();
        let living: Vec<_> = living.into_iter().flatten().filter(|(process, _)| !process.is_dead()).collect();
        if !living.is_empty() {
            let at = lasting.world.chance.of(0..living.len() as u64);
            if let Some((_, sagas)) = living.into_iter().nth(usize::try_from(at).unwrap_or_default()) {
                return sagas;
            }
        }
        sleep(Duration::from_millis(500)).await;
    }
}

/// Starts an instance by code, until somebody has said that it was.
async fn begin(lasting: &Lasting, trip: &Trip) {
    loop {
        let sagas = somebody(lasting).await;
        match timeout(Duration::from_secs(10), sagas.start(trip)).await {
            Ok(Ok(started)) => return lasting.world.note(0, format_args!("{}: {started:?}", trip.order)),
            Ok(Err(error)) => lasting.world.note(0, format_args!("{} is not started: {error}", trip.order)),
            Err(_) => lasting.world.note(0, format_args!("nobody says that {} is started", trip.order)),
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// Cancels an instance. Says whether it was not over then, as far as anybody said.
async fn cancel(lasting: &Lasting, order: &str) -> bool {
    let sagas = somebody(lasting).await;
    let cancelled = timeout(Duration::from_secs(10), sagas.cancel(order)).await;
    lasting.world.note(0, format_args!("cancels {order}: {cancelled:?}"));
    // A step that runs ends first: if it is the last one, nothing is left to be undone. The end of the one before it may be
    // about to be committed.
    let found = lasting.store.sagas().load(Trip::REGISTRATION.name, order).await.ok().flatten();
    let ends = found.is_some_and(|Instance { journal, owner, .. }| {
        journal.contains(r#""at":"confirm""#) || (journal.contains(r#""at":"ship""#) && !owner.is_empty())
    });
    matches!(cancelled, Ok(Ok(Some(state))) if !state.is_finished()) && !ends
}

/// Publishes as a client of the broker does: until it is confirmed, and sometimes twice.
async fn publish(lasting: &Lasting, id: &str, event: &Created) {
    let world = &lasting.world;
    let publisher = lasting.broker.publisher();
    let (Ok(message), Ok(id)) = (event.encode(), MessageId::parse(id)) else { return };
    for _ in 0..=u64::from(world.chance.permille(world.weather.twice)) {
        let publication = Publication::new(message.clone().with_id(id.clone()));
        let delay = world.chance.millis(0..3_000);
        loop {
            let receipt = publisher.publish(publication.clone().delayed(delay)).await;
            if receipt.is_ok_and(|receipt| receipt.routed) {
                break;
            }
            // Nobody has declared its queue yet.
            sleep(Duration::from_millis(500)).await;
        }
        world.note(0, format_args!("published {id} late by {delay:?}"));
    }
}
