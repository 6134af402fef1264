//! A thousand at once, on several threads and on every store: of those that start one instance one does, and nothing that is
//! written is lost.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use swit::{
    App, Class, Classify, Database, Event, FromScope, Tx,
    sagas::{Choreographed, SagaError, SagaState, Sagas, States},
    store::SagaFilter,
    stores::MemoryStore,
    testing::TestApp,
};
use swit_testbed::folder::Folder;
use tokio::{sync::Barrier, task::JoinSet};

use super::world::Answer;
use crate::stores::{on_postgres, on_sqlite};

const CROWD: u32 = 1_000;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "rush.called", key = number)]
struct Called {
    number: String,
}

/// All have one key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rush {
    key: String,
}

fn rush() -> Rush {
    Rush { key: "one".to_owned() }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    times: u32,
}

impl Choreographed for Count {
    const NAME: &'static str = "count";
}

async fn count(counts: &States<Count>, tx: &mut Tx, key: &str) -> Result<(), SagaError> {
    let mut count = counts.load_or_default(tx, key).await?;
    count.times += 1;
    counts.save(tx, count).await
}

#[swit::saga(key = key)]
impl Rush {
    #[start(topic = "rush.called", concurrency = 16, retries = 100, backoff = fixed("10ms"))]
    async fn called(event: Called, counts: States<Count>, mut tx: Tx) -> Answer<Self> {
        let _ = event;
        count(&counts, &mut tx, "called").await?;
        Ok(rush())
    }

    #[step(no_compensation, retries = 0)]
    async fn once(&self, counts: States<Count>, mut tx: Tx) -> Answer<()> {
        Ok(count(&counts, &mut tx, "once").await?)
    }
}

async fn times(counts: &States<Count>, key: &str) -> u32 {
    counts.find(key).await.unwrap().map_or(0, |count| count.times)
}

/// Starts one instance, and says whether it did. What is in the way of another is tried again.
async fn start(sagas: Sagas<Rush>, together: Arc<Barrier>) -> bool {
    together.wait().await;
    loop {
        match sagas.start(&rush()).await {
            Ok(started) => return started.is_new,
            Err(error) if error.classify().class == Class::Transient => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn add(database: Database, counts: States<Count>, together: Arc<Barrier>) {
    together.wait().await;
    loop {
        let added = async {
            let mut tx = database.begin().await?;
            count(&counts, &mut tx, "sum").await?;
            tx.commit().await?;
            Ok::<(), SagaError>(())
        };
        match added.await {
            Ok(()) => return,
            Err(error) if error.classify().class == Class::Transient => tokio::task::yield_now().await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Fault 36.
async fn one_instance_and_no_lost_update(app: App) {
    let app = TestApp::start(app.with_saga::<Rush>().require::<States<Count>>()).await.unwrap();
    let sagas: Sagas<Rush> = app.sagas().unwrap();
    let database = app.running().database().unwrap();
    let counts = States::<Count>::from_scope(app.running().scope()).unwrap();

    let together = Arc::new(Barrier::new(CROWD as usize));
    let mut starters = JoinSet::new();
    for _ in 0..CROWD {
        starters.spawn(start(sagas.clone(), together.clone()));
    }
    for number in 0..CROWD {
        app.publish(&Called { number: number.to_string() }).await.unwrap();
    }
    let by_code = starters.join_all().await.into_iter().filter(|is_new| *is_new).count();
    app.wait_quiet().await;
    assert!(by_code <= 1, "{by_code} were new");
    assert_eq!(sagas.ended("one").await.unwrap().state, SagaState::Completed);
    let instances = database.store().sagas().list(&SagaFilter::default(), None, 10).await.unwrap();
    assert_eq!(instances.len(), 1, "{instances:?}");
    assert_eq!(times(&counts, "once").await, 1, "the step was done once");
    assert_eq!(times(&counts, "called").await, CROWD, "each event was handled once");
    let called = app.running().stats();
    for stats in called {
        assert!(app.dead_letters(&stats.name).is_empty(), "{:?}", app.dead_letters(&stats.name));
    }

    let mut adders = JoinSet::new();
    for _ in 0..CROWD {
        adders.spawn(add(database.clone(), counts.clone(), together.clone()));
    }
    adders.join_all().await;
    assert_eq!(times(&counts, "sum").await, CROWD);
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_memory() {
    one_instance_and_no_lost_update(App::only::<()>().store(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_file() {
    let folder = Folder::temporary("crowds");
    one_instance_and_no_lost_update(App::only::<()>().store(on_sqlite(&folder).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_server() {
    one_instance_and_no_lost_update(App::only::<()>().store(on_postgres().await)).await;
}
