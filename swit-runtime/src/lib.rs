//! Everything of swit that runs. Use it through the facade crate `swit`.
//!
//! Floors, each importing only from those below it (`tests/it/floors.rs` of the facade holds them to this list):
//!
//! - F0 core: `text`, `id`, `headers`, `message`, `topic`, `limits`, `clock`, `classify`, `outcome`, `codec`, `compression`,
//!   `event`, `error`, `failpoint`, `walled`, `said`, `metrics`
//! - F1 ports: `transport`, `scope`, `context`, `classifiers`, `extract`, `middleware`, `returns`, `blocking`,
//!   `error_classifier`, `error_handler`, `alert`, `schema`, `batch`,
//!   `trace`, `store`
//! - F2 engine: `registry`, `contract`, `publisher`, `policy`, `pipeline`, `composite`, `consumer`, `relay`, `two_phase`, `saga`
//! - F3 adapters: `transports`, `stores`, `middlewares`, `spans`
//! - F4 app: `app`, `testing`, `conformance`, `admin`

#[cfg(feature = "admin")]
mod admin;
pub mod alert;
pub mod app;
pub mod batch;
pub mod blocking;
pub mod classifiers;
pub mod classify;
pub mod clock;
pub mod codec;
pub mod composite;
pub mod compression;
#[cfg(feature = "conformance")]
pub mod conformance;
mod consumer;
pub mod context;
pub mod contract;
pub mod error;
pub mod error_classifier;
pub mod error_handler;
pub mod event;
pub mod extract;
mod failpoint;
pub mod headers;
pub mod id;
pub mod limits;
pub mod message;
pub mod metrics;
pub mod middleware;
pub mod middlewares;
pub mod outcome;
pub mod pipeline;
mod policy;
pub mod publisher;
pub mod registry;
mod relay;
pub mod returns;
pub mod saga;
mod said;
pub mod schema;
pub mod scope;
#[cfg(feature = "traces")]
pub mod spans;
pub mod store;
pub mod stores;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod topic;
pub mod trace;
pub mod transport;
pub mod transports;
pub mod two_phase;
mod walled;
