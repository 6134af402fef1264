//! What becomes of instances when whoever ran them is gone, or is another program.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    State,
    sagas::{Saga as _, SagaState, Sagas},
    testing::TestApp,
};

use super::world::{Answer, World, trip};
use crate::support::Journal;

#[tokio::test(start_paused = true)]
async fn what_a_dead_process_ran_is_gone_on_with_after_its_lease() {
    let world = World::new();
    world.orders.give("hotel", &["hang", "do"]);
    let (dying, sagas) = world.trips().await;
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(sagas.find("a").await.unwrap().unwrap().state, SagaState::Running, "that it may run is written");
    drop(dying);
    let (app, sagas) = world.trips().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.lines().len(), 2, "others may live");
    let status = sagas.ended("a").await.unwrap();
    assert_eq!(status.state, SagaState::Completed);
    assert_eq!(
        world.lines(),
        ["a flight", "a hotel after seat 7, as book_hotel", "a hotel after seat 7, as book_hotel", "a tickets"],
        "what has ended is not done again; what may have been done is done under the same key"
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_cut_off_is_undone_if_it_is_not_done_in_the_end() {
    let world = World::new();
    world.orders.give("hotel", &["hang", "fail"]);
    let (dying, sagas) = world.trips().await;
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    drop(dying);
    let (app, sagas) = world.trips().await;
    assert_eq!(sagas.ended("a").await.unwrap().state, SagaState::Compensated);
    let lines = world.lines();
    assert_eq!(lines[lines.len() - 2], "a gives None back, as book_hotel/compensation");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_shuts_down_ends_its_steps_and_leaves_the_rest_to_others_at_once() {
    let world = World::new();
    world.orders.give("flight", &["take a minute"]);
    let (first, sagas) = world.trips().await;
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.orders.give("flight", &["do"]);
    first.shutdown().await.unwrap();
    let status = sagas.find("a").await.unwrap().unwrap();
    assert_eq!((status.state, status.step.as_deref()), (SagaState::Pending, Some("book_flight")), "it was cut off");
    let before = world.minutes();
    let (second, sagas) = world.trips().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sagas.find("a").await.unwrap().unwrap().step.as_deref(), Some("send_tickets"));
    assert_eq!(world.minutes(), before, "no lease has to end first");
    second.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn several_processes_share_what_is_due() {
    let world = World::new();
    let (first, sagas) = world.trips().await;
    for number in 0..50 {
        sagas.start(&trip(&number.to_string())).await.unwrap();
    }
    let (second, _) = world.trips().await;
    for number in 0..50 {
        assert_eq!(sagas.ended(&number.to_string()).await.unwrap().state, SagaState::Completed);
    }
    let mut lines = world.lines();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!((lines.len(), world.lines().len()), (150, 150), "each step once");
    first.shutdown().await.unwrap();
    second.shutdown().await.unwrap();
}

/// A saga of one name in two versions of a program.
macro_rules! version {
    ($module:ident, $version:literal, $accepts:tt, $second:ident) => {
        mod $module {
            use super::*;

            #[derive(Debug, Serialize, Deserialize)]
            pub(super) struct Long {
                pub(super) name: String,
            }

            #[swit::saga(key = name, name = "long", version = $version, accepts = $accepts)]
            impl Long {
                #[step(no_compensation)]
                async fn begin(&self, journal: State<Journal>) -> Answer<()> {
                    journal.note(concat!("begins in ", stringify!($module)));
                    Ok(())
                }

                #[step(no_compensation, after = "1h")]
                async fn $second(&self, journal: State<Journal>) -> Answer<()> {
                    journal.note(concat!("ends in ", stringify!($module)));
                    Ok(())
                }
            }
        }
    };
}
version!(first, 1, [], end);
version!(second, 2, [], end);
version!(tolerant, 2, [1], end);
version!(renamed, 2, [1], finish);

async fn started_under_the_first(world: &World) {
    let app = TestApp::start(world.base().with_saga::<first::Long>()).await.unwrap();
    let sagas: Sagas<first::Long> = app.sagas().unwrap();
    sagas.start(&first::Long { name: "a".to_owned() }).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_instance_of_another_version_is_parked_until_a_program_knows_it() {
    let world = World::new();
    started_under_the_first(&world).await;
    let app = TestApp::start(world.base().with_saga::<second::Long>()).await.unwrap();
    let sagas: Sagas<second::Long> = app.sagas().unwrap();
    let status = sagas.ended("a").await.unwrap();
    let parked = status.parked.unwrap();
    assert!(parked.contains("version 1") && parked.contains("accepts = [1]"), "{parked}");
    assert_eq!(status.state, SagaState::StepCompleted, "where it was");
    app.shutdown().await.unwrap();

    let app = TestApp::start(world.base().with_saga::<tolerant::Long>()).await.unwrap();
    let sagas: Sagas<tolerant::Long> = app.sagas().unwrap();
    assert!(sagas.resume("a").await.unwrap());
    assert_eq!(sagas.ended("a").await.unwrap().state, SagaState::Completed);
    assert_eq!(world.lines(), ["begins in first", "ends in tolerant"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_instance_at_a_step_that_is_gone_is_parked() {
    let world = World::new();
    started_under_the_first(&world).await;
    let app = TestApp::start(world.base().with_saga::<renamed::Long>()).await.unwrap();
    let sagas: Sagas<renamed::Long> = app.sagas().unwrap();
    let parked = sagas.ended("a").await.unwrap().parked.unwrap();
    assert!(parked.contains("the step `end`"), "{parked}");
    assert_eq!(renamed::Long::REGISTRATION.steps[1].name, "finish");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_saga_that_is_not_run_is_said_at_the_start() {
    let world = World::new();
    let app = world.base().require::<Sagas<first::Long>>();
    let report = app.check().unwrap_err().to_string();
    assert!(report.contains("`long`") && report.contains("with_saga"), "{report}");
    let both = world.base().with_saga::<first::Long>().with_saga::<second::Long>();
    let report = both.check().unwrap_err().to_string();
    assert!(report.contains("the saga `long` was already registered"), "{report}");
}
