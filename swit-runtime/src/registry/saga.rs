//! Sagas as they were written.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use swit_grammar::Backoff;

use super::{Location, SubscriberRegistration};
use crate::{context::Context, extract::Requirements, outcome::Failure, transport::BoxFuture};

/// What the functions of a saga come to: JSON of the output, or why there is none.
pub type Call = for<'a> fn(&'a mut Context) -> BoxFuture<'a, Result<String, Failure>>;

/// What the outside knows a step by, as a function of the saga says.
pub type KeyOf = fn(&Context) -> Result<String, Failure>;

/// A type that is a saga: what an instance is started with. Implemented by `#[saga]` on its impl block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a saga",
    label = "not a saga",
    note = "write `#[saga(key = …)]` on an impl block of it, with a `#[step(…)]` on each function that is one"
)]
pub trait Saga: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What was registered.
    const REGISTRATION: &'static SagaRegistration;

    /// Its key: there is one instance a saga and key.
    fn key(&self) -> String;
}

/// A saga, as its attributes and its functions' signatures say.
#[derive(Debug)]
pub struct SagaRegistration {
    /// Its name.
    pub name: &'static str,
    /// Its type's name.
    pub type_name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// `version`: 1 unless written.
    pub version: u32,
    /// `accepts`: other versions whose instances this one goes on with.
    pub accepts: &'static [u32],
    /// `timeout`: after it, what was done is undone.
    pub timeout: Option<Duration>,
    /// `concurrency`: how many instances one process runs at once.
    pub concurrency: u32,
    /// Its steps, in their order. At least one.
    pub steps: &'static [StepRegistration],
    /// The subscribers of its `#[start]` and its `#[wait]`s.
    pub subscribers: &'static [&'static SubscriberRegistration],
}

/// One step.
#[derive(Debug)]
pub struct StepRegistration {
    /// Its name: its function's, unless written.
    pub name: &'static str,
    /// Its function.
    pub call: SagaCall,
    /// `after`: it begins so long after the step before it has ended.
    pub after: Option<Duration>,
    /// It waits for an event: `#[wait]`.
    pub wait: Option<Wait>,
    /// `idempotency_key`: what its outside knows it by; none: the instance's id and the step's name.
    pub idempotency_key: Option<KeyOf>,
    /// `compensate`; none: `no_compensation`.
    pub compensation: Option<CompensationRegistration>,
}

/// What a `#[wait]` says beside.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// `within`: how long it waits; none: as long as the saga may take.
    pub within: Option<Duration>,
    /// It goes on without the event once the time is over: its argument is an `Option`.
    pub optional: bool,
}

/// What undoes a step.
#[derive(Debug)]
pub struct CompensationRegistration {
    /// Its function.
    pub call: SagaCall,
    /// It can be called though nobody knows whether the step was done: it takes no output, or `Option` of it.
    pub in_doubt: bool,
}

/// A function of a saga, and how it is called.
#[derive(Debug)]
pub struct SagaCall {
    /// Its name.
    pub function: &'static str,
    /// Where it stands.
    pub location: Location,
    /// `retries`.
    pub retries: Option<u32>,
    /// `backoff`.
    pub backoff: Option<Backoff>,
    /// `timeout`: time that one attempt may take.
    pub timeout: Duration,
    /// It takes `Tx`: what it does happens together with its end being written down.
    pub transacts: bool,
    /// What its arguments require.
    pub requires: fn(&mut Requirements),
    /// The function.
    pub call: Call,
}

impl SagaCall {
    /// How often a failing function is tried again where neither its attribute nor its error says so.
    pub const RETRIES: u32 = 3;
}

/// What inventory collects.
#[derive(Debug)]
pub struct SagaRef(pub &'static SagaRegistration);

inventory::collect!(SagaRef);
