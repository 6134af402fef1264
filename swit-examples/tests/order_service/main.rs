//! `order-service` from outside: the binary as it is run, against an oracle that knows nothing of swit.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod binary;
mod command_line;
mod nasty;
mod oracle;
#[cfg(unix)]
mod policies;
#[cfg(unix)]
mod prometheus;
#[cfg(unix)]
mod rabbitmq;
mod sample;
#[cfg(unix)]
mod signals;
