//! The saga: five steps, of each kind that there is, written as its macro writes them.
//!
//! `reserve` (in the database) → `pay` (outside) → `packed` (waits for an event) → `ship` (after a while, outside, publishes) →
//! `confirm` (in the database; fails where the order says so).

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use swit::{Backoff, Class, Context, Event, Failure, FailureKind, Jitter, Publisher, State, Tx, transport::BoxFuture};
use swit_runtime::{
    extract::argument,
    registry::{Call, CompensationRegistration, Location, Saga, SagaCall, SagaRegistration, StepRegistration, Wait},
    saga::{Choreographed, IdempotencyKey, OfOutput, SagaError, States, event, input, own_output, written},
};

use crate::{
    breach::Breach,
    orders::{Packed, Reserved, Shipped},
    process::{Passed, Process},
};

/// What an instance is started with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trip {
    pub(crate) order: String,
    pub(crate) ending: Ending,
}

/// What becomes of the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ending {
    Well,
    /// It fails every other time.
    Shaky,
    /// It fails for good.
    Ill,
}

/// What an instance did in the database, in the order in which it was committed: its business table.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Effects {
    pub(crate) all: Vec<Effect>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Effect {
    pub(crate) step: String,
    pub(crate) undone: bool,
    pub(crate) at: u64,
}

impl Choreographed for Effects {
    const NAME: &'static str = "effects";
}

type Answer<'a> = BoxFuture<'a, Result<String, Failure>>;

async fn process(cx: &mut Context) -> Result<Arc<Process>, Failure> {
    Ok((*argument::<State<Arc<Process>>>(cx).await?).clone())
}

fn failed(error: SagaError) -> Failure {
    Failure::classified(FailureKind::Handler, error)
}

fn broken(error: impl std::fmt::Display, class: Class) -> Failure {
    Failure::new(FailureKind::Handler, error.to_string()).with_class(class)
}

/// An effect in the database, with the step's own transaction, and what it publishes there.
async fn write<E: Event>(cx: &mut Context, step: &str, undone: bool, then: Option<&E>) -> Result<(), Failure> {
    let trip: Trip = input(cx)?;
    let process = process(cx).await?;
    let effects: States<Effects> = argument(cx).await?;
    let mut tx: Tx = argument(cx).await?;
    process.note(format_args!("{} {}{step}", trip.order, if undone { "undoes " } else { "" }));
    let mut own = effects.load_or_default(&mut tx, &trip.order).await.map_err(failed)?;
    own.all.push(Effect { step: step.to_owned(), undone, at: process.world.next() });
    effects.save(&mut tx, own).await.map_err(failed)?;
    if let Some(event) = then {
        tx.publish(event).await.map_err(|error| Failure::classified(FailureKind::Publish, error))?;
    }
    Ok(())
}

/// An effect outside of any database.
async fn act(cx: &mut Context, step: &'static str, undone: bool) -> Result<String, Failure> {
    let trip: Trip = input(cx)?;
    let process = process(cx).await?;
    let key: IdempotencyKey = argument(cx).await?;
    let ledger = &process.world.ledger;
    let done = async {
        let at = process.world.next();
        // What is taken back is known by the key under which it was done.
        let of = key.strip_suffix("/compensation").unwrap_or(&key);
        let other = format!("{of} {at}");
        let of = if process.world.breaks(Breach::NewKeys) { &other } else { of };
        if undone {
            ledger.take_back(of, &trip.order, step, at);
            return true;
        }
        ledger.act(of, &trip.order, step, at)
    };
    let what = format!("{} {}{step} under {}", trip.order, if undone { "undoes " } else { "" }, &*key);
    match process.pass(what, done).await {
        Passed::Answered(true) => Ok(key.to_string()),
        Passed::Answered(false) => Err(broken("it was taken back", Class::Permanent)),
        Passed::Conflict => Err(broken("not now", Class::Throttle)),
        // Who does not know whether it was done says so.
        Passed::Lost => Err(broken("no answer", Class::Transient)),
    }
}

fn reserve(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        let order = input::<Trip>(cx)?.order;
        write(cx, "reserve", false, Some(&Reserved { order })).await?;
        written(&())
    })
}

fn unreserve(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        write(cx, "reserve", true, None::<&Packed>).await?;
        written(&())
    })
}

fn pay(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move { written(&act(cx, "pay", false).await?) })
}

fn refund(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        own_output::<String, Option<String>>(cx, "pay")?;
        act(cx, "pay", true).await?;
        written(&())
    })
}

fn packed(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        let trip: Trip = input(cx)?;
        let event: Option<Packed> = event(cx).await?;
        if event.is_none_or(|event| event.order != trip.order) {
            return Err(broken("it is not what was waited for", Class::Permanent));
        }
        write(cx, "packed", false, None::<&Packed>).await?;
        written(&())
    })
}

fn unpack(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        write(cx, "packed", true, None::<&Packed>).await?;
        written(&())
    })
}

fn ship(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        let order = input::<Trip>(cx)?.order;
        let key = act(cx, "ship", false).await?;
        let publisher: Publisher = argument(cx).await?;
        let sent = publisher.publish(&Shipped { order }).await;
        sent.map_err(|error| Failure::classified(FailureKind::Publish, error))?;
        written(&key)
    })
}

fn recall(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        own_output::<String, Option<String>>(cx, "ship")?;
        act(cx, "ship", true).await?;
        written(&())
    })
}

fn confirm(cx: &mut Context) -> Answer<'_> {
    Box::pin(async move {
        let trip: Trip = input(cx)?;
        let world = process(cx).await?.world.clone();
        match trip.ending {
            Ending::Shaky if world.chance.permille(500) => return Err(broken("not now", Class::Transient)),
            Ending::Ill => return Err(broken("never", Class::Permanent)),
            Ending::Well | Ending::Shaky => {}
        }
        write(cx, "confirm", false, None::<&Packed>).await?;
        written(&())
    })
}

const HERE: Location = Location { module: module_path!(), file: file!(), line: line!() };

const fn call(function: &'static str, retries: u32, transacts: bool, call: Call) -> SagaCall {
    let backoff = Some(Backoff::Fixed { wait: Duration::from_secs(2), jitter: Jitter::Share(0.2) });
    let timeout = Duration::from_secs(5);
    let retries = Some(retries);
    SagaCall { function, location: HERE, retries, backoff, timeout, transacts, requires: |_| {}, call }
}

const fn undo(function: &'static str, transacts: bool, does: Call) -> CompensationRegistration {
    let in_doubt = <Option<String> as OfOutput<String>>::IN_DOUBT;
    CompensationRegistration { call: call(function, 3, transacts, does), in_doubt }
}

const fn step(name: &'static str, call: SagaCall, compensation: Option<CompensationRegistration>) -> StepRegistration {
    StepRegistration { name, call, after: None, wait: None, idempotency_key: None, compensation }
}

/// In their order.
pub(crate) const STEPS: [&str; 5] = ["reserve", "pay", "packed", "ship", "confirm"];

static REGISTERED: [StepRegistration; 5] = [
    step("reserve", call("reserve", 3, true, reserve), Some(undo("unreserve", true, unreserve))),
    step("pay", call("pay", 3, false, pay), Some(undo("refund", false, refund))),
    StepRegistration {
        wait: Some(Wait { within: Some(Duration::from_mins(3)), optional: false }),
        ..step("packed", call("packed", 3, true, packed), Some(undo("unpack", true, unpack)))
    },
    StepRegistration {
        after: Some(Duration::from_secs(10)),
        ..step("ship", call("ship", 3, false, ship), Some(undo("recall", false, recall)))
    },
    step("confirm", call("confirm", 3, true, confirm), None),
];

static TRIP: SagaRegistration = SagaRegistration {
    name: "trip",
    type_name: "Trip",
    location: HERE,
    version: 1,
    accepts: &[],
    timeout: Some(Duration::from_mins(4)),
    concurrency: 3,
    steps: &REGISTERED,
    subscribers: &[],
};

impl Saga for Trip {
    const REGISTRATION: &'static SagaRegistration = &TRIP;

    fn key(&self) -> String {
        self.order.clone()
    }
}
