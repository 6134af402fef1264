//! Sagas of three and of ten steps: against the same writes by hand, in memory, and with a million finished ones in the table.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{
    App, Running, State, Statement, StoreError, Tx,
    sagas::{Saga, SagaError, Sagas},
    store::Store as _,
    stores::{MemoryStore, SqlStore, sqlx},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::{
    Effort,
    hand::Pool,
    median,
    place::Place,
    report::Report,
    service::{AT_ONCE, TAKE, migrations},
};

/// Says to whoever started an instance that its last step is being done.
type Done = Vec<UnboundedSender<()>>;

/// How an instance is made.
trait Made: Saga {
    const STEPS: i64;

    fn made(worker: usize) -> Self;
}

static NEXT: AtomicU64 = AtomicU64::new(0);

macro_rules! sagas {
    ($($name:ident of $steps:literal: $($step:ident)* => $last:ident;)*) => { $(
        #[derive(Debug, Serialize, Deserialize)]
        struct $name {
            id: String,
            sku: String,
            worker: usize,
        }

        impl Made for $name {
            const STEPS: i64 = $steps;

            fn made(worker: usize) -> Self {
                let next = NEXT.fetch_add(1, Ordering::Relaxed);
                Self { id: format!("o{next}"), sku: format!("s{}", next % 1_000), worker }
            }
        }

        #[swit::saga(key = id, concurrency = 8)]
        impl $name {
            $(
                #[step(no_compensation)]
                async fn $step(&self, mut tx: Tx) -> Result<u64, StoreError> {
                    tx.execute(Statement::new(TAKE).bind(&self.sku)).await
                }
            )*

            #[step(no_compensation)]
            async fn $last(&self, mut tx: Tx, done: State<Done>) -> Result<u64, StoreError> {
                let taken = tx.execute(Statement::new(TAKE).bind(&self.sku)).await?;
                // Before the commit, which the next one of this worker does not wait for either.
                let _ = done[self.worker].send(());
                Ok(taken)
            }
        }
    )* };
}
sagas! {
    Three of 3: one two => three;
    Ten of 10: one two three four five six seven eight nine => ten;
}

/// Three steps that touch no database.
#[derive(Debug, Serialize, Deserialize)]
struct Light {
    id: u64,
    worker: usize,
}

#[swit::saga(key = id, concurrency = 64)]
impl Light {
    #[step(no_compensation)]
    async fn one(&self) -> Result<u64, SagaError> {
        Ok(self.id)
    }

    #[step(no_compensation)]
    async fn two(&self, #[output(one)] id: u64) -> Result<u64, SagaError> {
        Ok(id + 1)
    }

    #[step(no_compensation)]
    async fn three(&self, #[output(two)] id: u64, done: State<Done>) -> Result<u64, SagaError> {
        let _ = done[self.worker].send(());
        Ok(id)
    }
}

fn ears(many: usize) -> (Done, Vec<UnboundedReceiver<()>>) {
    (0..many).map(|_| unbounded_channel()).unzip()
}

async fn start(place: &Place, done: Done) -> Running {
    App::only::<()>()
        .with_saga::<Three>()
        .with_saga::<Ten>()
        .service("bench", "0")
        .set("database.url", place.url.as_str())
        .set("database.migrate", true)
        .migrations(migrations())
        .provide(done)
        .start()
        .await
        .expect("it starts")
}

/// Each worker starts one and waits until it is done, as one by hand does.
async fn by_swit<S: Made>(sagas: &Sagas<S>, ears: &mut Vec<UnboundedReceiver<()>>, many: usize) -> Duration {
    let began = Instant::now();
    let workers: Vec<_> = std::mem::take(ears)
        .into_iter()
        .enumerate()
        .map(|(worker, mut ear)| {
            let sagas = sagas.clone();
            tokio::spawn(async move {
                for _ in 0..many / AT_ONCE {
                    sagas.start(&S::made(worker)).await.expect("it starts");
                    ear.recv().await.expect("somebody says so");
                }
                ear
            })
        })
        .collect();
    for worker in workers {
        ears.push(worker.await.expect("it ends"));
    }
    began.elapsed()
}

/// A table of one's own, with the indexes that swit's has: whoever is no member there is taken for dead.
pub(crate) const TABLE: &str = "CREATE TABLE bench_saga (saga TEXT NOT NULL, key TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, \
     revision BIGINT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL, waits TEXT, due BIGINT, parked TEXT, wish TEXT, \
     opening TEXT NOT NULL, journal TEXT NOT NULL, started_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, \
     finished_at BIGINT, PRIMARY KEY (saga, key)); \
     CREATE INDEX bench_saga_due ON bench_saga (saga, due) WHERE due IS NOT NULL AND owner = '' AND parked IS NULL; \
     CREATE INDEX bench_saga_owner ON bench_saga (owner) WHERE owner <> ''; \
     CREATE INDEX bench_saga_finished_at ON bench_saga (finished_at) WHERE finished_at IS NOT NULL; \
     CREATE INDEX bench_saga_unfinished ON bench_saga (saga, key) WHERE finished_at IS NULL; \
     CREATE INDEX bench_saga_parked ON bench_saga (saga, key) WHERE parked IS NOT NULL";

const START: &str = "INSERT INTO bench_saga (saga, key, id, version, revision, state, owner, opening, journal, started_at, updated_at) \
                     VALUES ('by-hand', $1, $2, 1, 0, 'pending', 'me', $3, '{}', $4, $4) ON CONFLICT (saga, key) DO NOTHING";
const SAVE: &str = "UPDATE bench_saga SET revision = revision + 1, state = $3, owner = $4, journal = $5, updated_at = $6, finished_at = $7 \
                    WHERE saga = 'by-hand' AND key = $1 AND revision = $2 AND owner = 'me'";

/// What has happened so far, as one would write it down.
#[derive(Serialize)]
struct Written<'a> {
    done: &'a [u64],
}

macro_rules! run {
    ($pool:ident, $begin:ident($($how:literal)?), $saga:ident, $steps:expr) => {{
        let opening = serde_json::to_string(&$saga).expect("it is written");
        let mut tx = $pool.$begin($($how)?).await.expect("a transaction");
        let started = sqlx::query(START).bind(&$saga.id).bind(format!("id-{}", $saga.id)).bind(opening).bind(1_i64);
        started.execute(&mut *tx).await.expect("an insert");
        tx.commit().await.expect("a commit");
        let mut done = Vec::new();
        for step in 0..$steps {
            let mut tx = $pool.$begin($($how)?).await.expect("a transaction");
            let taken = sqlx::query(TAKE).bind(&$saga.sku).execute(&mut *tx).await.expect("an update").rows_affected();
            done.push(taken);
            let is_last = step + 1 == $steps;
            let (state, owner) = if is_last { ("completed", "") } else { ("running", "me") };
            let journal = serde_json::to_string(&Written { done: &done }).expect("it is written");
            let saved = sqlx::query(SAVE).bind(&$saga.id).bind(step).bind(state).bind(owner).bind(journal).bind(1_i64);
            let saved = saved.bind(is_last.then_some(1_i64)).execute(&mut *tx).await.expect("an update").rows_affected();
            assert_eq!(saved, 1, "nobody else has it");
            tx.commit().await.expect("a commit");
        }
    }};
}

async fn by_hand<S: Made>(pool: &Pool, many: usize) -> Duration {
    let began = Instant::now();
    let workers = (0..AT_ONCE).map(|worker| {
        let pool = pool.clone();
        tokio::spawn(async move {
            for _ in 0..many / AT_ONCE {
                let saga = Three::made(worker);
                match &pool {
                    Pool::Postgres(pool) => run!(pool, begin(), saga, S::STEPS),
                    Pool::Sqlite(pool) => run!(pool, begin_with("BEGIN IMMEDIATE"), saga, S::STEPS),
                }
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("it ends");
    }
    began.elapsed()
}

struct Measured {
    swit: f64,
    hand: f64,
}

async fn alternate<S: Made>(place: &Place, pool: &Pool, effort: Effort) -> Measured {
    let (done, mut ears) = ears(AT_ONCE);
    let running = start(place, done).await;
    let sagas: Sagas<S> = running.sagas().expect("it is run");
    let many = (effort.messages / usize::try_from(S::STEPS).expect("few")).max(AT_ONCE);
    by_swit(&sagas, &mut ears, many / 4 + AT_ONCE).await;
    by_hand::<S>(pool, many / 4 + AT_ONCE).await;
    let (mut swit, mut hand) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        swit.push(by_swit(&sagas, &mut ears, many).await);
        hand.push(by_hand::<S>(pool, many).await);
    }
    running.shutdown().await.expect("it stops");
    let many = many as f64;
    Measured { swit: many / median(swit), hand: many / median(hand) }
}

async fn prepared(place: &Place) -> SqlStore {
    let store = place.open().await;
    store.migrate(&[migrations()]).await.expect("tables");
    store
}

/// Instances a second, against the same writes by hand.
pub(crate) async fn measure(place: &Place, effort: Effort, report: &mut Report) {
    let pool = Pool::of(&prepared(place).await).await;
    let three = alternate::<Three>(place, &pool, effort).await;
    let ten = alternate::<Ten>(place, &pool, effort).await;
    for (name, measured) in [("three", three), ("ten", ten)] {
        let key = |what: &str| format!("{}_saga_{name}_{what}", place.name);
        let text = "instances a second over the same writes by hand (budget 0.8)";
        report.add(&key("ratio"), measured.swit / measured.hand, text);
        report.add(&key("per_second"), measured.swit, "instances a second");
        report.add(&key("hand_per_second"), measured.hand, "instances a second, by hand");
    }
}

/// What finished instances cost.
pub(crate) async fn growth(place: &Place, effort: Effort, report: &mut Report) {
    let store = prepared(place).await;
    let pool = Pool::of(&store).await;
    let before = alternate::<Three>(place, &pool, effort).await;
    let columns =
        "saga, key, id, version, revision, state, owner, opening, journal, started_at, updated_at, finished_at";
    let fill = if store.system() == "sqlite" {
        format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
             INSERT INTO swit_saga ({columns}) \
             SELECT 'three', 'old-' || (i * 7919 % 1000003) || '-' || i, 'id', 1, 3, 'completed', '', '{{}}', '{{}}', 1, 1, i FROM n"
        )
    } else {
        format!(
            "INSERT INTO swit_saga ({columns}) \
             SELECT 'three', 'old-' || md5(i::text), 'id', 1, 3, 'completed', '', '{{}}', '{{}}', 1, 1, i FROM generate_series(1, $1) AS n (i)"
        )
    };
    let mut work = store.begin().await.expect("a transaction");
    let rows = i64::try_from(effort.finished).expect("it fits");
    work.execute(Statement::new(&fill).bind(rows)).await.expect("rows");
    work.commit().await.expect("a commit");
    let after = alternate::<Three>(place, &pool, effort).await;
    let text = format!(
        "instances a second with {} finished ones over those without (by hand: {:.2})",
        effort.finished,
        after.hand / before.hand
    );
    report.add(&format!("{}_saga_growth", place.name), after.swit / before.swit, &text);
}

/// Without any database.
pub(crate) async fn in_memory(effort: Effort, report: &mut Report) {
    const STARTERS: usize = 2;
    let (done, mut ears) = ears(STARTERS);
    let app = App::only::<()>().with_saga::<Light>().store(MemoryStore::new()).provide(done);
    let running = app.start().await.expect("it starts");
    let sagas: Sagas<Light> = running.sagas().expect("it is run");
    let many = effort.messages * 10;
    let mut times = Vec::new();
    for _ in 0..=effort.rounds {
        let began = Instant::now();
        for worker in 0..STARTERS {
            let sagas = sagas.clone();
            tokio::spawn(async move {
                for _ in 0..many / STARTERS {
                    let id = NEXT.fetch_add(1, Ordering::Relaxed);
                    sagas.start(&Light { id, worker }).await.expect("it starts");
                }
            });
        }
        for ear in &mut ears {
            for _ in 0..many / STARTERS {
                ear.recv().await.expect("somebody says so");
            }
        }
        times.push(began.elapsed());
    }
    running.shutdown().await.expect("it stops");
    // The first round warms up.
    let times = times.split_off(1);
    report.add(
        "memory_saga_per_second",
        many as f64 / median(times),
        "instances of three steps a second (budget 20,000)",
    );
}
