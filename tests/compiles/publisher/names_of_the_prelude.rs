//! Generated code names nothing that the user could have named otherwise.

#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types)]

struct Result;
struct Option;
struct Some;
struct None;
struct Text;
struct TypeId;
struct Publisher;
struct Batching;
struct Event;

type u32 = u8;
mod core {}
mod std {}
mod inventory {}

use ::serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, ::swit::Event)]
#[event(topic = "order.created")]
struct Order {
    id: u64,
}

#[::swit::publisher(
    event = Order,
    topic = "order.created",
    confirm = "5s",
    batch(messages = 10, bytes = "1KiB", every = "1s"),
    async(capacity = 10),
    partition = id,
    unrouted = "ignore",
    compression = "none"
)]
struct Orders;

#[::swit::middleware(publish, topics = ["order.#"], except = ["orders"], order = -1)]
async fn sign(
    message: &mut ::swit::Message,
    next: ::swit::PublishNext<'_>,
    _clock: ::swit::Clock,
) -> ::core::result::Result<::swit::MessageId, ::swit::PublishError> {
    next.run(message).await
}

#[::swit::subscriber]
async fn handle(_: Order, _: ::swit::Publisher<Orders>) {}
