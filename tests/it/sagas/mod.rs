//! What the engine makes of sagas, on the store in memory and in virtual time.

mod configured;
mod crossings;
mod crowds;
mod ends;
mod events;
mod handed_over;
mod operated;
mod states;
mod world;
