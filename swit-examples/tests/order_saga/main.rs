//! `order-saga` from outside: the binary as it is run, killed and started again, against the oracle of `order-service` and
//! the rows that it left.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[expect(dead_code, reason = "the other program's")]
#[path = "../order_service/binary.rs"]
mod binary;
mod crashes;
mod effects;
mod ground;
mod kills;
#[expect(dead_code, reason = "only `order-service` says how often it tried")]
#[path = "../order_service/oracle.rs"]
mod oracle;
mod runs;
mod sabotage;
