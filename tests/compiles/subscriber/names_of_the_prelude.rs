//! Generated code names nothing that the user could have named otherwise.

#![no_implicit_prelude]
#![allow(non_camel_case_types)]
#![allow(dead_code)]

extern crate std as other_std;

struct Result;
struct Option;
struct Ok;
struct Err;
struct Some;
struct None;
struct Box;
struct Vec;
struct String;
struct Arc;
struct Into;
struct From;
struct Send;
struct Sync;
struct Debug;
struct Default;
struct Iterator;
struct Context;
struct Outcome;
struct Failure;
struct Event;
struct Handler;
struct Pin;
struct Clone;
struct ToString;

type u32 = u8;
type i32 = u8;
mod core {}
mod std {}
mod serde_json {}
mod inventory {}

use ::serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ::swit::Event)]
#[event(topic = "order.created", version = 2, key = id, upcast = OrderV1)]
struct Order {
    id: u64,
}

#[derive(Serialize, Deserialize, ::swit::Event)]
#[event(topic = "order.created", name = "Order")]
struct OrderV1 {
    id: u64,
}

impl ::core::convert::From<OrderV1> for Order {
    fn from(old: OrderV1) -> Self {
        Self { id: old.id }
    }
}

#[derive(Serialize, Deserialize, ::swit::Event)]
#[event(topic = "order.paid")]
struct Paid {
    id: u64,
}

#[derive(::swit::Event)]
enum Either {
    Order(Order),
    Paid(Paid),
}

#[derive(::core::fmt::Debug, ::thiserror::Error, ::swit::Classify)]
enum OrderError {
    #[error("slow")]
    #[class(throttle, retries = 2, backoff = exponential("1s"), retry_after = wait)]
    Slow { wait: ::core::option::Option<::core::time::Duration> },
    #[error("wrapped")]
    #[class(from)]
    Wrapped(#[source] ::std::io::Error),
}

#[derive(Deserialize, ::swit::ConfigSection)]
#[config(section = "orders")]
struct Section {
    url: ::std::string::String,
}

struct Pool;

#[::swit::provider(close = close)]
async fn open(_: ::swit::Config<Section>) -> ::core::result::Result<Pool, OrderError> {
    ::core::result::Result::Ok(Pool)
}

async fn close(_: &Pool) {}

#[::swit::middleware(global = false, name = "audit")]
async fn audit(cx: &mut ::swit::Context, next: ::swit::Next<'_>, _pool: ::swit::State<Pool>) -> ::swit::Outcome {
    next.run(cx).await
}

#[::swit::middleware(order = -3, only = ["handle"])]
async fn everywhere(cx: &mut ::swit::Context, next: ::swit::Next<'_>) -> ::swit::Outcome {
    next.run(cx).await
}

async fn decide(_: &::swit::Context, _: &OrderError) -> ::swit::ErrorAction {
    ::swit::ErrorAction::ByClass
}

#[::swit::subscriber(
    topics = ["order.#"],
    event = "Order",
    concurrency = 2,
    prefetch = 40,
    order_by = key,
    timeout = "1s",
    retries = 1,
    backoff = linear("1s"),
    middleware = [audit],
    on_error = decide,
    codec = "json",
    enabled = true
)]
async fn handle(_: Either, _: ::swit::State<Pool>) -> ::core::result::Result<::swit::Publish<Order>, OrderError> {
    ::core::result::Result::Ok(::swit::Publish(Order { id: 1 }))
}

#[::swit::subscriber(blocking)]
fn block(_: Order) {}

::swit::handlers!();
