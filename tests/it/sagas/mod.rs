//! What the engine makes of sagas, on the store in memory and in virtual time.

mod ends;
mod events;
mod handed_over;
mod states;
mod world;
