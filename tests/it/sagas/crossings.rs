//! A cancel, an event and the end of a step, in every order and all at once, on PostgreSQL: the instance is undone, each step
//! once; without the cancel it goes on, and the event is never missed.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{
    App, Event, FromScope, State, Tx,
    sagas::{Choreographed, Saga as _, SagaError, SagaState, Sagas, States},
    testing::TestApp,
};
use tokio::{
    sync::{Barrier, Semaphore},
    time::{sleep, timeout},
};

use super::world::Answer;
use crate::stores::on_postgres;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "crossing.told", key = key)]
struct Told {
    key: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Crossing {
    key: String,
}

/// What was done, and undone.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Deeds {
    all: Vec<String>,
}

impl Choreographed for Deeds {
    const NAME: &'static str = "deeds";
}

/// Steps wait here until they may end: the one before the event, and the one after it.
#[derive(Debug)]
struct Gates {
    before: Semaphore,
    after: Semaphore,
    arrived: Semaphore,
}

async fn does(deeds: &States<Deeds>, tx: &mut Tx, key: &str, deed: &str) -> Result<(), SagaError> {
    let mut own = deeds.load_or_default(tx, key).await?;
    own.all.push(deed.to_owned());
    deeds.save(tx, own).await
}

#[swit::saga(key = key, concurrency = 16)]
impl Crossing {
    #[step(compensate = undo_first)]
    async fn first(&self, gates: State<Gates>, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        gates.arrived.add_permits(1);
        gates.before.acquire().await?.forget();
        Ok(does(&deeds, &mut tx, &self.key, "first").await?)
    }

    #[compensation]
    async fn undo_first(&self, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        Ok(does(&deeds, &mut tx, &self.key, "undo first").await?)
    }

    #[wait(topic = "crossing.told", key = key, within = "1h", compensate = undo_told)]
    async fn told(&self, event: Told, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        let _ = event;
        Ok(does(&deeds, &mut tx, &self.key, "told").await?)
    }

    #[compensation]
    async fn undo_told(&self, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        Ok(does(&deeds, &mut tx, &self.key, "undo told").await?)
    }

    #[step(compensate = undo_held)]
    async fn held(&self, gates: State<Gates>, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        gates.after.acquire().await?.forget();
        Ok(does(&deeds, &mut tx, &self.key, "held").await?)
    }

    #[compensation]
    async fn undo_held(&self, deeds: States<Deeds>, mut tx: Tx) -> Answer<()> {
        Ok(does(&deeds, &mut tx, &self.key, "undo held").await?)
    }

    #[step(no_compensation)]
    async fn last(&self) -> Answer<()> {
        Ok(())
    }
}

/// What crosses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Cancel,
    Event,
    End,
}

const ORDERS: [[Thing; 3]; 6] = [
    [Thing::Cancel, Thing::Event, Thing::End],
    [Thing::Cancel, Thing::End, Thing::Event],
    [Thing::Event, Thing::Cancel, Thing::End],
    [Thing::Event, Thing::End, Thing::Cancel],
    [Thing::End, Thing::Cancel, Thing::Event],
    [Thing::End, Thing::Event, Thing::Cancel],
];

struct World {
    app: TestApp,
    sagas: Sagas<Crossing>,
    deeds: States<Deeds>,
    gates: Arc<Gates>,
}

impl World {
    async fn new() -> Self {
        let gate = || Semaphore::new(0);
        let gates = Arc::new(Gates { before: gate(), after: gate(), arrived: gate() });
        let app = App::only::<()>().store(on_postgres().await).with_saga::<Crossing>().provide_shared(gates.clone());
        let app = TestApp::start(app.require::<States<Deeds>>()).await.unwrap();
        let deeds = States::from_scope(app.running().scope()).unwrap();
        Self { sagas: app.sagas().unwrap(), app, deeds, gates }
    }

    /// Starts one, whose first step runs when this returns.
    async fn begin(&self, key: &str) {
        assert!(self.sagas.start(&Crossing { key: key.to_owned() }).await.unwrap().is_new);
        self.gates.arrived.acquire().await.unwrap().forget();
    }

    async fn make(&self, thing: Thing, key: &str) {
        match thing {
            Thing::Cancel => assert!(self.sagas.cancel(key).await.unwrap().is_some()),
            Thing::Event => {
                self.app.publish(&Told { key: key.to_owned() }).await.unwrap();
            }
            Thing::End => self.gates.before.add_permits(1),
        }
    }

    /// Waits until what was made is there.
    async fn is_made(&self, thing: Thing, key: &str) {
        let store = self.app.running().database().unwrap().store().clone();
        let saga = Crossing::REGISTRATION.name;
        let there = async {
            loop {
                let is_there = match thing {
                    Thing::Cancel => true,
                    Thing::Event => {
                        // One that is undone already wants none.
                        let found = store.sagas().load(saga, key).await.unwrap().unwrap();
                        found.state.is_finished() || store.sagas().mail(saga, key, "told").await.unwrap().is_some()
                    }
                    Thing::End => self.deeds.find(key).await.unwrap().is_some(),
                };
                if is_there {
                    return;
                }
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(30), there).await.unwrap_or_else(|_| panic!("{thing:?} of {key} is not there"));
    }

    /// Waits for its end, and says what was done and undone.
    async fn end(&self, key: &str) -> (SagaState, Vec<String>) {
        self.gates.after.add_permits(1);
        let status = timeout(Duration::from_mins(1), self.sagas.ended(key)).await.expect("it ends").unwrap();
        // Whoever was undone before it did not need it.
        self.gates.after.forget_permits(usize::MAX);
        (status.state, self.deeds.find(key).await.unwrap().map(|deeds| deeds.into_inner().all).unwrap_or_default())
    }
}

/// Whether what was done is undone, once each and in reverse.
fn is_undone(deeds: &[String]) -> bool {
    let (done, undone) = deeds.split_at(deeds.len() / 2);
    let wanted: Vec<String> = done.iter().rev().map(|deed| format!("undo {deed}")).collect();
    !done.is_empty() && undone == wanted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_every_order_one_after_the_other() {
    let world = World::new().await;
    for order in ORDERS {
        let key = format!("{order:?}");
        world.begin(&key).await;
        for thing in order {
            world.make(thing, &key).await;
            world.is_made(thing, &key).await;
        }
        let (state, deeds) = world.end(&key).await;
        assert!(state == SagaState::Cancelled && is_undone(&deeds), "{key}: {state} {deeds:?}");
    }
    world.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_at_once() {
    const ROUNDS: u32 = 60;
    let world = Arc::new(World::new().await);
    for round in 0..ROUNDS {
        // Of four rounds one has no cancel, and one no event that would have somebody look.
        let (cancelled, told) = (round % 4 != 2, round % 4 != 3);
        let happens = |thing: &Thing| match thing {
            Thing::Cancel => cancelled,
            Thing::Event => told,
            Thing::End => true,
        };
        let things: Vec<Thing> = ORDERS[round as usize % 6].into_iter().filter(happens).collect();
        let key = format!("round {round}");
        world.begin(&key).await;
        let together = Arc::new(Barrier::new(things.len()));
        let mut all = tokio::task::JoinSet::new();
        for thing in things {
            let (world, key, together) = (world.clone(), key.clone(), together.clone());
            all.spawn(async move {
                together.wait().await;
                world.make(thing, &key).await;
            });
        }
        all.join_all().await;
        let (state, deeds) = world.end(&key).await;
        if cancelled {
            assert!(state == SagaState::Cancelled && is_undone(&deeds), "{key}: {state} {deeds:?}");
        } else {
            assert_eq!((state, deeds.join(" ").as_str()), (SagaState::Completed, "first told held"), "{key}");
        }
    }
    let world = Arc::into_inner(world).unwrap();
    world.app.shutdown().await.unwrap();
}
