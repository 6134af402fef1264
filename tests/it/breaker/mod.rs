//! Circuit breakers: who pulls, when, and how many.

mod configured;
mod opening;
mod ordered;
mod partner;
mod probing;
mod shared;
mod stopping;
