//! Every way that a saga can end.

use std::time::Duration;

use swit::sagas::SagaState;

use super::world::{World, trip};

#[tokio::test(start_paused = true)]
async fn steps_run_in_their_order_each_with_what_came_before_it() {
    let world = World::new();
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Completed);
    assert_eq!(world.lines(), ["a flight", "a hotel after seat 7, as book_hotel", "a tickets"]);
    assert_eq!(world.minutes(), 10, "the last one waits");
    assert_eq!(status.output::<u32>("book_hotel").unwrap(), Some(42));
    assert_eq!(status.done().collect::<Vec<_>>(), ["book_flight", "book_hotel", "send_tickets"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn there_is_one_instance_a_key() {
    let world = World::new();
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    let again = sagas.start(&trip("a")).await.unwrap();
    assert!(!again.is_new, "also when it is over");
    assert_eq!(sagas.find("a").await.unwrap().unwrap().id, status.id);
    assert_eq!(world.lines().len(), 3);
    assert!(sagas.find("b").await.unwrap().is_none());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_step_that_fails_is_tried_again() {
    let world = World::new();
    world.orders.give("hotel", &["fail", "fail", "do"]);
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Completed);
    let hotels = world.lines().iter().filter(|line| line.contains("as book_hotel")).count();
    assert_eq!(hotels, 3, "each attempt under one key");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_done_before_a_step_that_fails_is_undone() {
    let world = World::new();
    world.orders.give("hotel", &["refuse"]);
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Compensated);
    assert_eq!(status.error.as_deref(), Some("refused, as it was told"));
    assert_eq!(world.lines()[2..], ["a gives seat 7 back: Failed, book_hotel failed"], "it said that it was refused");
    assert_eq!(status.done().count(), 0);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_done_is_undone_as_well() {
    for told in ["hang", "panic", "fail"] {
        let world = World::new();
        world.orders.give("hotel", &[told, "refuse"]);
        let (app, sagas) = world.trips().await;
        let status = world.run(&sagas, "a").await;
        assert_eq!(status.state, SagaState::Compensated);
        assert_eq!(
            world.lines()[3..],
            ["a gives None back, as book_hotel/compensation", "a gives seat 7 back: Failed, book_hotel failed"],
            "nobody knows whether the first attempt did it: {told}"
        );
        app.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn what_happens_with_its_transaction_is_never_in_doubt() {
    let world = World::new();
    world.orders.give("flight", &["hang"]);
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Compensated);
    assert_eq!(world.lines(), ["a flight", "a flight", "a flight"], "there is nothing to undo");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_done_is_undone_first() {
    let world = World::new();
    world.orders.give("tickets", &["fail"]);
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Compensated);
    let lines = world.lines();
    assert_eq!(
        lines[lines.len() - 2..],
        ["a gives Some(42) back, as book_hotel/compensation", "a gives seat 7 back: Failed, send_tickets failed"]
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_compensation_that_fails_for_good_is_parked_until_somebody_says_so() {
    let world = World::new();
    world.orders.give("hotel", &["fail"]);
    world.orders.give("unflight", &["fail", "fail", "fail", "do"]);
    let (app, sagas) = world.trips().await;
    let status = world.run(&sagas, "a").await;
    assert_eq!(status.state, SagaState::Failed);
    let parked = status.parked.unwrap();
    assert!(parked.contains("`book_flight`") && parked.contains("as it was told"), "{parked}");
    let lines = world.lines().len();
    tokio::time::sleep(Duration::from_hours(5)).await;
    assert_eq!(world.lines().len(), lines, "nothing happens by itself");
    assert!(sagas.resume("a").await.unwrap());
    let status = sagas.ended("a").await.unwrap();
    assert_eq!(status.state, SagaState::Compensated);
    assert_eq!(world.lines().len(), lines + 1);
    assert!(!sagas.resume("a").await.unwrap(), "it is over");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_rests_is_cancelled_at_once() {
    let world = World::new();
    let (app, sagas) = world.trips().await;
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(sagas.cancel("a").await.unwrap(), Some(SagaState::StepCompleted));
    let status = sagas.ended("a").await.unwrap();
    assert_eq!((status.state, world.minutes()), (SagaState::Cancelled, 1));
    assert_eq!(
        world.lines()[2..],
        ["a gives Some(42) back, as book_hotel/compensation", "a gives seat 7 back: Cancelled, nothing failed"]
    );
    assert_eq!(sagas.cancel("a").await.unwrap(), Some(SagaState::Cancelled), "and stays so");
    assert_eq!(sagas.cancel("b").await.unwrap(), None);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_runs_is_cancelled_once_its_step_has_ended() {
    let world = World::new();
    world.orders.give("hotel", &["take a minute"]);
    let (app, sagas) = world.trips().await;
    // It takes longer than an attempt may.
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    sagas.cancel("a").await.unwrap();
    let status = sagas.ended("a").await.unwrap();
    assert_eq!(status.state, SagaState::Cancelled);
    assert_eq!(
        world.lines()[2..],
        ["a gives None back, as book_hotel/compensation", "a gives seat 7 back: Cancelled, nothing failed"],
        "the attempt was cut off"
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_told_to_end_is_undone_when_its_time_is_over() {
    let world = World::new();
    world.orders.give("tickets", &["fail"]);
    let (app, sagas) = world.trips().await;
    // As long as its parts fail, and are tried again, time goes by.
    sagas.start(&trip("a")).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    drop(app);
    tokio::time::sleep(Duration::from_hours(2)).await;
    let (app, sagas) = world.trips().await;
    let status = sagas.ended("a").await.unwrap();
    assert_eq!(status.state, SagaState::TimedOut, "{status:?}");
    assert!(status.error.unwrap().contains("time was over"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_the_saga_says() {
    let world = World::new();
    world.orders.give("flight", &["take a minute"]);
    let (app, sagas) = world.trips().await;
    for number in 0..10 {
        sagas.start(&trip(&number.to_string())).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.lines().len(), 2, "{:?}", world.lines());
    for number in 0..10 {
        assert_eq!(sagas.ended(&number.to_string()).await.unwrap().state, SagaState::Compensated);
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_started_while_too_many_wait_waits_in_the_store() {
    const MANY: usize = 12_000;
    let world = World::new();
    let (app, sagas) = world.trips().await;
    // More than wait in the process: each rests ten minutes before its last step, and none is forgotten.
    let mut all = Vec::new();
    for number in 0..MANY {
        all.push(number.to_string());
        sagas.start(&trip(&all[number])).await.unwrap();
    }
    for key in &all {
        assert_eq!(sagas.ended(key).await.unwrap().state, SagaState::Completed, "{key}");
    }
    assert_eq!(world.lines().len(), 3 * MANY);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_goes_before_what_was_not() {
    let world = World::new();
    let (app, sagas) = world.trips().await;
    sagas.start(&trip("begun")).await.unwrap();
    tokio::time::sleep(Duration::from_mins(9)).await;
    // Two at once, eight seconds each: they go on for more than an hour.
    world.orders.give("flight", &["take eight seconds"]);
    for number in 0..1_000 {
        sagas.start(&trip(&number.to_string())).await.unwrap();
    }
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(sagas.find("begun").await.unwrap().unwrap().state, SagaState::Completed);
    sagas.cancel("999").await.unwrap();
    drop(app);
}
