//! The engine by itself, with a saga that is written by hand: what its macro writes is tested with the macro.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{OfOutput, Sagas, input, own_output, written};
use crate::{
    app::App,
    classify::Class,
    context::Context,
    outcome::{Failure, FailureKind},
    registry::{CompensationRegistration, Location, Saga, SagaCall, SagaRegistration, StepRegistration},
    store::SagaState,
    stores::MemoryStore,
    transport::BoxFuture,
};

#[derive(Serialize, Deserialize)]
struct Trip {
    key: String,
    fails_at: u32,
}

static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
static TRIED: AtomicU32 = AtomicU32::new(0);

fn step<'a>(cx: &'a mut Context, number: u32) -> BoxFuture<'a, Result<String, Failure>> {
    Box::pin(async move {
        let trip: Trip = input(cx)?;
        SAID.lock().unwrap().push(format!("{} {number}", trip.key));
        if trip.fails_at == number {
            TRIED.fetch_add(1, Ordering::Relaxed);
            return Err(Failure::new(FailureKind::Handler, "no").with_class(Class::Transient));
        }
        written(&number)
    })
}

fn undo<'a>(cx: &'a mut Context, name: &'static str) -> BoxFuture<'a, Result<String, Failure>> {
    Box::pin(async move {
        let trip: Trip = input(cx)?;
        let output: Option<u32> = own_output::<u32, Option<u32>>(cx, name)?;
        SAID.lock().unwrap().push(format!("{} undoes {output:?}", trip.key));
        written(&())
    })
}

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

const fn call(function: &'static str, call: crate::registry::Call) -> SagaCall {
    SagaCall {
        function,
        location: HERE,
        retries: Some(2),
        backoff: None,
        timeout: Duration::from_secs(5),
        transacts: false,
        requires: |_| {},
        call,
    }
}

static STEPS: [StepRegistration; 3] = [
    StepRegistration {
        name: "one",
        call: call("one", |cx| step(cx, 1)),
        after: None,
        wait: None,
        idempotency_key: None,
        compensation: Some(CompensationRegistration {
            call: call("undo_one", |cx| undo(cx, "one")),
            in_doubt: <Option<u32> as OfOutput<u32>>::IN_DOUBT,
        }),
    },
    StepRegistration {
        name: "two",
        call: call("two", |cx| step(cx, 2)),
        after: Some(Duration::from_mins(1)),
        wait: None,
        idempotency_key: None,
        compensation: None,
    },
    StepRegistration {
        name: "three",
        call: call("three", |cx| step(cx, 3)),
        after: None,
        wait: None,
        idempotency_key: None,
        compensation: None,
    },
];

static TRIP: SagaRegistration = SagaRegistration {
    name: "trip",
    type_name: "Trip",
    location: HERE,
    version: 1,
    accepts: &[],
    timeout: None,
    concurrency: 4,
    steps: &STEPS,
    subscribers: &[],
};

impl Saga for Trip {
    const REGISTRATION: &'static SagaRegistration = &TRIP;

    fn key(&self) -> String {
        self.key.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn steps_run_in_order_and_are_undone_in_reverse() {
    let start = tokio::time::Instant::now();
    let clock = crate::clock::Clock::injected(move || {
        std::time::SystemTime::UNIX_EPOCH + Duration::from_hours(24) + start.elapsed()
    });
    let running = App::only::<()>().store(MemoryStore::new()).clock(clock).with_saga::<Trip>().start().await.unwrap();
    let sagas: Sagas<Trip> = running.sagas().unwrap();
    let well = Trip { key: "well".to_owned(), fails_at: 0 };
    assert!(sagas.start(&well).await.unwrap().is_new);
    assert!(!sagas.start(&well).await.unwrap().is_new);
    let status = sagas.ended("well").await.unwrap();
    assert_eq!(status.state, SagaState::Completed);
    assert_eq!(status.output::<u32>("three").unwrap(), Some(3));
    assert!(start.elapsed() >= Duration::from_mins(1), "{:?}", start.elapsed());
    let ill = Trip { key: "ill".to_owned(), fails_at: 3 };
    sagas.start(&ill).await.unwrap();
    let status = sagas.ended("ill").await.unwrap();
    assert_eq!(status.state, SagaState::Compensated, "{status:?}");
    assert_eq!(TRIED.load(Ordering::Relaxed), 3);
    let said = SAID.lock().unwrap().clone();
    assert_eq!(said, ["well 1", "well 2", "well 3", "ill 1", "ill 2", "ill 3", "ill 3", "ill 3", "ill undoes Some(1)"]);
    running.shutdown().await.unwrap();
}
