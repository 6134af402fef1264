//! `validate`: what is refused is dead-lettered at once, with what is wrong and where, and no handler sees it.

mod broker;
mod composite;
mod function;
mod schema;
