//! `cargo run --release -p swit-examples --bin order-saga -- swit-examples/data/orders.jsonl`
//!
//! Takes the orders that `order-service` takes, as a saga with durable state: what is done of an order is done once, and what
//! can't be gone on with is undone, whichever process dies where. `--help` says more.
//!
//! ```text
//! line ─ intake ─ order.placed ─ place-order: open → reserve → charge → request-shipping → ship → confirm ─ order.confirmed
//!                                                                        │    waits for ┘
//!                                                shipping.requested ─ book-parcel ─ shipping.booked
//!               undone in reverse: recall ← refund ← release ← reject ─ order.cancelled
//! ```
//!
//! Everything lies in one database ([`tables`]): lines and what became of them ([`books`]), the saga ([`place_order`]), what
//! its subscribers have handled, and what is to be published. Every publication is committed there, with what it tells of,
//! before a broker sees it. The payment partner's ledger ([`bank`]) lies there too, but is written by itself, as a partner
//! would.
//!
//! A second start on the same database goes on where the first one was: lines that are in are not taken again, and
//! what is under way is finished. The embedded transport forgets its messages when its process is killed, which a broker
//! does not; so there they are said again ([`again`]).

mod again;
mod args;
mod bank;
mod books;
mod carrier;
mod command;
mod error;
mod events;
mod input;
mod intake;
mod place_order;
mod publishers;
mod service;
mod tables;

use std::process::ExitCode;

swit::handlers!();

#[tokio::main]
async fn main() -> ExitCode {
    command::main().await
}
