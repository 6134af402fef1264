//! What a type says as an extractor or return value, where it is one; nothing where it is none.
//!
//! A registration asks each argument's type several times. Asked through the trait, a type that is no extractor would
//! be reported each time, and the user would read one mistake five times over. An associated constant of an inherent
//! impl is preferred to one of a trait, as long as the impl's bounds hold: [`Probe`] answers by the one or the other, and
//! the mistake is reported once, where the handler takes its argument.

use std::marker::PhantomData;

use crate::{
    event::EventDescriptor,
    extract::{FromDelivery, FromScope, Payload, Requirements},
    returns::{Emit, Return},
    saga::{OfOutput, StepReturn},
};

/// Asks a type what it is; generated code imports [`NoExtractor`], [`NoPayload`], [`NoScope`] and [`NoReturn`]
/// beside it.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<fn() -> T>);

impl<A: FromDelivery> Probe<A> {
    /// It is an extractor.
    pub const EXTRACTS: bool = true;
    /// `FromDelivery::EVENTS`.
    pub const EVENTS: &'static [EventDescriptor] = A::EVENTS;
    /// `FromDelivery::READS_PAYLOAD`.
    pub const READS_PAYLOAD: bool = A::READS_PAYLOAD;
    /// `FromDelivery::SETTLES`.
    pub const SETTLES: bool = A::SETTLES;
    /// `FromDelivery::TRANSACTS`.
    pub const TRANSACTS: bool = A::TRANSACTS;
    /// `FromDelivery::requires`.
    pub const REQUIRES: fn(&mut Requirements) = A::requires;
}

/// What is asked of a type that is no extractor.
pub trait NoExtractor {
    /// It is none.
    const EXTRACTS: bool = false;
    /// None.
    const EVENTS: &'static [EventDescriptor] = &[];
    /// It reads nothing.
    const READS_PAYLOAD: bool = false;
    /// It settles nothing.
    const SETTLES: bool = false;
    /// It writes nothing.
    const TRANSACTS: bool = false;
    /// Nothing.
    const REQUIRES: fn(&mut Requirements) = |_| {};
}

impl<T> NoExtractor for Probe<T> {}

impl<A: Payload> Probe<A> {
    /// It is a payload that `validate` knows.
    pub const IS_PAYLOAD: bool = true;
    /// `Payload::IS_JSON`.
    pub const IS_JSON: bool = A::IS_JSON;
}

/// What is asked of a type that is no payload.
pub trait NoPayload {
    /// It is none.
    const IS_PAYLOAD: bool = false;
    /// It is not read.
    const IS_JSON: bool = false;
}

impl<T> NoPayload for Probe<T> {}

impl<A: FromScope> Probe<A> {
    /// `FromScope::PUBLISHES`.
    pub const SCOPE_PUBLISHES: bool = A::PUBLISHES;
    /// `FromScope::requires`.
    pub const SCOPE_REQUIRES: fn(&mut Requirements) = A::requires;
}

/// What is asked of a type that can't be had without a delivery.
pub trait NoScope {
    /// It publishes nothing.
    const SCOPE_PUBLISHES: bool = false;
    /// Nothing.
    const SCOPE_REQUIRES: fn(&mut Requirements) = |_| {};
}

impl<T> NoScope for Probe<T> {}

impl<R: Return> Probe<R> {
    /// `Emit::events` of the value.
    pub const EMITS: fn(&mut Vec<EventDescriptor>) = <R::Value as Emit>::events;
    /// `Emit::PUBLISHES` of the value.
    pub const EMITS_ANY: bool = <R::Value as Emit>::PUBLISHES;
}

/// What is asked of a type that no handler may return.
pub trait NoReturn {
    /// Nothing.
    const EMITS: fn(&mut Vec<EventDescriptor>) = |_| {};
    /// It publishes nothing.
    const EMITS_ANY: bool = false;
}

impl<T> NoReturn for Probe<T> {}

/// Asks how a compensation takes the output of its step; generated code imports [`NoOutput`] beside it.
#[derive(Debug)]
pub struct OutputProbe<R, A>(PhantomData<fn(R) -> A>);

impl<R: StepReturn, A: OfOutput<R::Output>> OutputProbe<R, A> {
    /// `OfOutput::IN_DOUBT`.
    pub const IN_DOUBT: bool = A::IN_DOUBT;
}

/// What is asked of a type that is not its output: nothing more is said of it than that.
pub trait NoOutput {
    /// It can be had.
    const IN_DOUBT: bool = true;
}

impl<R, A> NoOutput for OutputProbe<R, A> {}
