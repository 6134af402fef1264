//! Effects once: claims, transactions and the outbox of handlers.

mod databases;
mod dispatch;
mod starting;
mod turns;
