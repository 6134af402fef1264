//! Sagas that events start, and that wait for events.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    Event, Publisher, State, Tx,
    sagas::{SagaState, Sagas},
    testing::TestApp,
};

use super::world::{Answer, World};
use crate::support::Journal;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "parcel.ordered", key = parcel)]
struct Ordered {
    parcel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "parcel.collected", key = parcel)]
struct Collected {
    parcel: String,
    carrier: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "parcel.rated", key = parcel)]
struct Rated {
    parcel: String,
    stars: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "parcel.told", key = parcel, unrouted = "ignore")]
struct Told {
    parcel: String,
    what: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Parcel {
    parcel: String,
}

#[swit::saga(key = parcel)]
impl Parcel {
    #[start(topic = "parcel.ordered")]
    fn ordered(event: Ordered) -> Self {
        Self { parcel: event.parcel }
    }

    #[step(compensate = unpack, retries = 1, backoff = fixed("1s"))]
    async fn pack(&self, journal: State<Journal>, told: Publisher, mut tx: Tx) -> Answer<()> {
        journal.note("pack");
        told.publish(&Told { parcel: self.parcel.clone(), what: "packed".to_owned() }).await?;
        tx.publish(&Told { parcel: self.parcel.clone(), what: "packed with care".to_owned() }).await?;
        if self.parcel == "bad" {
            return Err("it does not fit".into());
        }
        Ok(())
    }

    #[compensation]
    async fn unpack(&self, journal: State<Journal>) -> Answer<()> {
        journal.note("unpack");
        Ok(())
    }

    #[wait(topic = "parcel.collected", key = parcel, within = "2h", no_compensation)]
    async fn collected(&self, event: Collected, journal: State<Journal>) -> Answer<String> {
        journal.note(format!("collected by {}", event.carrier));
        Ok(event.carrier)
    }

    #[step(no_compensation)]
    async fn tell(&self, #[output(collected)] carrier: String, told: Publisher, journal: State<Journal>) -> Answer<()> {
        journal.note("tell");
        told.publish(&Told { parcel: self.parcel.clone(), what: format!("with {carrier}") }).await?;
        Ok(())
    }

    #[wait(topic = "parcel.rated", key = by_parcel, within = "24h", no_compensation)]
    async fn rated(&self, event: Option<Rated>, journal: State<Journal>) -> Answer<Option<u8>> {
        let stars = event.map(|event| event.stars);
        journal.note(format!("rated {stars:?}"));
        Ok(stars)
    }

    fn by_parcel(event: &Rated) -> String {
        event.parcel.clone()
    }
}

async fn parcels(world: &World) -> (TestApp, Sagas<Parcel>) {
    let app = TestApp::start(world.base().with_saga::<Parcel>()).await.unwrap();
    let sagas = app.sagas().unwrap();
    (app, sagas)
}

fn ordered(parcel: &str) -> Ordered {
    Ordered { parcel: parcel.to_owned() }
}

fn collected(parcel: &str) -> Collected {
    Collected { parcel: parcel.to_owned(), carrier: "bicycle".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn an_event_starts_it_and_others_take_it_on() {
    let world = World::new();
    let (app, sagas) = parcels(&world).await;
    app.publish(&ordered("p")).await.unwrap();
    app.publish(&ordered("p")).await.unwrap();
    app.wait_quiet().await;
    let status = sagas.find("p").await.unwrap().unwrap();
    assert_eq!((status.state, status.step.as_deref()), (SagaState::StepCompleted, Some("collected")));
    assert_eq!(world.lines(), ["pack"]);
    app.publish(&collected("p")).await.unwrap();
    app.publish(&collected("p")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(world.lines(), ["pack", "collected by bicycle", "tell"]);
    app.publish(&Rated { parcel: "p".to_owned(), stars: 5 }).await.unwrap();
    let status = sagas.ended("p").await.unwrap();
    assert_eq!(status.state, SagaState::Completed);
    assert_eq!(status.output::<Option<u8>>("rated").unwrap(), Some(Some(5)));
    let mut told: Vec<String> = app.published::<Told>().into_iter().map(|told| told.what).collect();
    told.sort_unstable();
    assert_eq!(told, ["packed", "packed with care", "with bicycle"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_that_comes_too_early_waits_for_its_step() {
    let world = World::new();
    let (app, sagas) = parcels(&world).await;
    // Before there is any instance: it is tried again until there is one.
    app.publish(&collected("p")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    app.publish(&ordered("p")).await.unwrap();
    app.publish(&Rated { parcel: "p".to_owned(), stars: 3 }).await.unwrap();
    app.wait_quiet().await;
    let status = sagas.ended("p").await.unwrap();
    assert_eq!(status.state, SagaState::Completed);
    assert_eq!(world.lines(), ["pack", "collected by bicycle", "tell", "rated Some(3)"]);
    assert_eq!(world.minutes(), 0);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_does_not_come_in_time_undoes_it() {
    let world = World::new();
    let (app, sagas) = parcels(&world).await;
    app.publish(&ordered("p")).await.unwrap();
    app.wait_quiet().await;
    let status = sagas.ended("p").await.unwrap();
    assert_eq!((status.state, world.minutes()), (SagaState::TimedOut, 120));
    assert_eq!(world.lines(), ["pack", "unpack"]);
    assert!(status.error.unwrap().contains("`collected`"));
    // What comes now is nobody's: it is kept where dead letters are.
    app.publish(&collected("p")).await.unwrap();
    app.wait_quiet().await;
    let letters = app.dead_letters("parcel-collected");
    assert_eq!((letters.len(), letters[0].reason.as_str()), (1, "permanent"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_may_be_missing_is_gone_on_without() {
    let world = World::new();
    let (app, sagas) = parcels(&world).await;
    app.publish(&ordered("p")).await.unwrap();
    app.wait_quiet().await;
    app.publish(&collected("p")).await.unwrap();
    let status = sagas.ended("p").await.unwrap();
    assert_eq!((status.state, world.minutes()), (SagaState::Completed, 24 * 60));
    assert_eq!(world.lines().last().unwrap(), "rated None");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_for_nobody_is_a_dead_letter() {
    let world = World::new();
    let (app, _) = parcels(&world).await;
    app.publish(&collected("nobody")).await.unwrap();
    app.wait_quiet().await;
    let letters = app.dead_letters("parcel-collected");
    assert_eq!((letters.len(), letters[0].reason.as_str()), (1, "max_retries_exceeded"));
    assert!(letters[0].error.contains("`nobody`"), "{}", letters[0].error);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_step_that_fails_published_was_never_published() {
    let world = World::new();
    let (app, sagas) = parcels(&world).await;
    app.publish(&ordered("bad")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(sagas.ended("bad").await.unwrap().state, SagaState::Compensated);
    assert_eq!(world.lines(), ["pack", "pack"], "twice tried, never done");
    app.wait_quiet().await;
    assert_eq!(app.published::<Told>(), []);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_event_reaches_an_instance_that_another_process_began() {
    let world = World::new();
    let (app, _) = parcels(&world).await;
    app.publish(&ordered("p")).await.unwrap();
    app.wait_quiet().await;
    app.shutdown().await.unwrap();
    let (app, sagas) = parcels(&world).await;
    app.publish(&collected("p")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(sagas.find("p").await.unwrap().unwrap().step.as_deref(), Some("rated"));
    app.shutdown().await.unwrap();
}
