//! The command line of a service's own binary.
//!
//! [`parse`] is a pure function from arguments to an [`Invocation`]; [`help`] is the text of `--help`; [`main`] does
//! what was asked for. A service's `main` calls it in place of `run`:
//!
//! ```ignore
//! #[tokio::main]
//! async fn main() -> swit::Result<()> { swit::cli().await }
//! ```

mod ask;
mod command;
mod connected;
mod database;
mod dlq;
mod execute;
mod help;
mod parse;
mod publish;
mod saga;
mod show;
mod tail;
mod topology;
mod transactions;

pub use command::{
    Command, DlqCommand, GraphFormat, Invocation, OutboxCommand, Payload, PublishCommand, SagaCommand, SagaInstance,
    TailCommand, TopologyCommand, TransactionsCommand,
};
pub use execute::{execute, main};
pub use help::help;
pub use parse::parse;
