//! Effects once: claims, transactions and the outbox of handlers.

mod dispatch;
mod sqlite;
