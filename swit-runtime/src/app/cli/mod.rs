//! The command line of a service's own binary: what was asked for, before anything is done.
//!
//! [`parse`] is a pure function from arguments to an [`Invocation`]; [`help`] is the text of `--help`.

mod command;
mod help;
mod parse;

pub use command::{Command, GraphFormat, Invocation, Payload, PublishCommand, TailCommand};
pub use help::help;
pub use parse::parse;
