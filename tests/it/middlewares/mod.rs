//! The middleware that comes with swit, in a running service.

mod authentication;
mod correlation;
mod deduplication;
