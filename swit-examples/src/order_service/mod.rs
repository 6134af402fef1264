//! `order-service`: orders from a file or from standard input, taken through a whole flow by events.
//!
//! ```sh
//! cargo run --release -p swit-examples --bin order-service -- swit-examples/data/orders.jsonl
//! ```
//!
//! `order.created` → inventory → payment → shipping → `order.completed`, or compensation and `order.rejected`; see
//! [`events`] for the flow, [`handlers`] for its steps, [`order`] for what a valid line is.
//!
//! The same binary runs on RabbitMQ, alone or as a group of processes that share the work:
//!
//! ```sh
//! SWIT_TRANSPORT=amqp://guest:guest@127.0.0.1:5672 order-service orders.jsonl
//! ```
//!
//! While it serves, without a file, it says how it does, to people and to Prometheus ([`metrics`]); with a file, where an
//! address is written:
//!
//! ```sh
//! order-service & curl http://127.0.0.1:2112/metrics http://127.0.0.1:2112/health
//! SWIT_ADMIN__ADDRESS=127.0.0.1:2113 order-service swit-examples/data/orders.jsonl
//! ```
//!
//! Of an order id that is read twice the first line counts, in a group too while the same process of it handles the lines.
//! When that one ends before all are through, the next one may let an id pass that had passed: there is no store that they
//! share ([`handlers::accept_order`]).
//!
//! It guarantees that every line it reads is accounted for exactly once ([`ledger`]), or it says which are not and
//! fails, and that its memory does not grow with the input beyond some 60 bytes a line.

pub mod args;
pub mod command;
pub mod dead_letters;
pub mod events;
pub mod handlers;
pub mod intake;
pub mod ledger;
pub mod metrics;
pub mod providers;
pub mod publishers;
pub mod service;
pub mod summary;

pub use swit_orders::{input, order, partners, progress};
